"""Secrets that are handed out once and kept only as a hash."""

import hashlib
import secrets


def new_token() -> str:
    """256 random bits in URL-safe letters."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """SHA-256 in hexadecimal: the token is random enough to need no slower hash."""
    return hashlib.sha256(token.encode()).hexdigest()
