"""What must be true, asked of the database itself."""
