"""Password hashes: argon2id with OWASP's parameters, re-hashed at sign-in when the parameters become stronger."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from passlib.hash import argon2

_hasher = argon2.using(type="ID", memory_cost=19_456, time_cost=2, parallelism=1)


def hash_password(password: str) -> str:
    """Return the hash to store."""
    return str(_hasher.hash(password))


def verify_password(password: str, password_hash: str | None) -> bool:
    """Return whether the password matches. Without a hash (no such user) it takes as long and returns False."""
    fits = bool(_hasher.verify(password, password_hash or _nobody()))
    return fits and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Return whether the hash was made with weaker parameters than the current ones."""
    return bool(_hasher.needs_update(password_hash))


def is_common(password: str) -> bool:
    """Return whether a password is among the first that are guessed, in whatever case it is written."""
    return password.strip().lower() in _common()


@cache
def _common() -> frozenset[str]:
    """The most frequent passwords of known leaks, as Django has them, without those of less than 8 characters."""
    return frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").splitlines())


@lru_cache(maxsize=1)
def _nobody() -> str:
    return hash_password("nobody has this password")
