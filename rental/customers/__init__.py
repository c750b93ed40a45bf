"""Who pays, and the sites we visit."""
