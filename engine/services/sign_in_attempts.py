"""How often passwords may be guessed: attempts are counted before a password is hashed, so that none is free.

Whoever guesses at one address is stopped there, and does not lock out the account's owner, who comes from another one.
"""

from __future__ import annotations

from engine.clock import Clock
from engine.errors import TooManyRequests
from engine.storage.users import UserRepository

_WINDOW_SECONDS = 900
_MOST_HERE, _MOST_OF_ACCOUNT, _MOST_OF_ADDRESS = 20, 200, 100


class SignInAttempts:
    """Counts attempts of an account and of a network address, together and each by itself."""

    def __init__(self, users: UserRepository, clock: Clock) -> None:
        self._users = users
        self._clock = clock

    def count(self, email: str, address: str) -> None:
        """Count an attempt.

        Raises:
            TooManyRequests: there were too many; it says when the next may be made.
        """
        now = int(self._clock.now().timestamp())
        for subject, most in _subjects(email, address).items():
            attempts, forgotten_at = self._users.count_attempt(subject, now, _WINDOW_SECONDS)
            if attempts > most:
                raise TooManyRequests("too many failed sign-ins; try again later", retry_after=forgotten_at - now)

    def forgive(self, email: str, address: str) -> None:
        """Take an attempt back that succeeded."""
        now = int(self._clock.now().timestamp())
        for subject in _subjects(email, address):
            self._users.forgive_attempt(subject, now)


def _subjects(email: str, address: str) -> dict[str, int]:
    return {
        f"both#{address}#{email}": _MOST_HERE,
        f"account#{email}": _MOST_OF_ACCOUNT,
        f"address#{address}": _MOST_OF_ADDRESS,
    }
