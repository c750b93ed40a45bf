"""Passwords are kept as argon2id hashes, and checked by at most four at a time."""

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from rental.identity.rules import password_bytes

# OWASP Password Storage: m=19 MiB, t=2, p=1; 64 ms on a small server.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
# 19 MiB each: four at once bound the memory a flood of sign-ins can take.
_AT_ONCE = BoundedSemaphore(4)
# The hash of a password nobody has; checking against it takes as long as checking a real one.
_NOBODYS = _HASHER.hash("no password opens this account")


def hash_password(password: str) -> str:
    with _AT_ONCE:
        return _HASHER.hash(password_bytes(password))


def password_matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password; takes the same time when there is no hash at all."""
    with _AT_ONCE:
        try:
            _HASHER.verify(password_hash or _NOBODYS, password_bytes(password))
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


def wants_new_hash(password_hash: str) -> bool:
    """True for a hash made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)
