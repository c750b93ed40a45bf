"""The ways a plan is searched for; only here is an optimiser imported."""
