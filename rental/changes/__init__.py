"""What is agreed anew about a contract in force: one form, one transaction, its cost shown first."""
