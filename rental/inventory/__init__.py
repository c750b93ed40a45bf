"""Every unit: what it is called, where it is, and whether it is free."""
