"""A company's things, made through the real use cases, so that no test starts from an impossible state."""
