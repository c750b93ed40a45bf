"""Things in every state of their life, and everything somebody can do to them, all through the use cases."""
