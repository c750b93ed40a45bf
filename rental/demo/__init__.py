"""An invented company to try the product with. Nobody in it is real."""
