"""What every package stands on: transactions, events, numbers, time. Knows no business word."""
