"""When to dial a lost upstream again, and when to give up."""

from __future__ import annotations

from random import Random
from typing import Final

FIRST_DELAYS: Final = (0.5, 1.0)
DELAY: Final = 1.5
JITTER: Final = 0.2
EXISTS_FIRST_DELAYS: Final = (2.0, 4.0)
EXISTS_DELAY: Final = 8.0
EXISTS_SECONDS: Final = 60.0
STABLE_SECONDS: Final = 30.0


class Redial:
    """Pace and limit of one outage, seconds.

    An outage goes on through an upstream that comes back for less than 30 s, so that one which
    accepts and drops again and again still ends. An upstream that still holds a dead connection
    of the station ("already exists") is dialled at a slower pace for 60 s, whatever the hold
    time is.
    """

    def __init__(self, hold_seconds: float, random: Random) -> None:
        self._hold_seconds = hold_seconds
        self._random = random
        self._forget()

    def _forget(self) -> None:
        self._tries = 0
        self._exists_tries = 0
        self._exists = False
        self.gives_up_at: float | None = None

    def lost(self, now: float, up_since: float) -> None:
        """Upstream ended; a new outage begins unless the last one was only just over."""
        if now - up_since >= STABLE_SECONDS:
            self._forget()
        if self.gives_up_at is None:
            self.gives_up_at = now + self._hold_seconds

    def already_exists(self, now: float) -> None:
        """Upstream said that the station is connected already."""
        if not self._exists:
            self._exists = True
            self.gives_up_at = now + EXISTS_SECONDS

    def next_delay(self, already_exists: bool) -> float:
        """Seconds until the next dial, after an outcome of this kind."""
        if already_exists:
            delay = _nth(EXISTS_FIRST_DELAYS, self._exists_tries, EXISTS_DELAY)
            self._exists_tries += 1
            return delay
        delay = _nth(FIRST_DELAYS, self._tries, DELAY)
        self._tries += 1
        return delay * self._random.uniform(1 - JITTER, 1 + JITTER)


def _nth(first: tuple[float, ...], index: int, rest: float) -> float:
    return first[index] if index < len(first) else rest
