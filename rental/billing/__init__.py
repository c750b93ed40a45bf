"""What is owed: rent by period, the documents that ask for it, and when they are due."""
