"""What we offer: equipment models with their skills, and rate plans with their versions."""
