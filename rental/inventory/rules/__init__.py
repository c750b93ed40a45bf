"""What is true of units, serial numbers, label codes and tags, whoever asks."""
