"""The promise: contracts, their lines and slots, and which unit filled a slot when."""
