"""What rent is owed for which days, with which tax and until when; whoever asks."""
