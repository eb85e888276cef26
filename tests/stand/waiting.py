"""Waiting for something to become true, with an upper bound."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")
SHORTEST_S, REST = 0.1, 3


class NeverHappened(AssertionError):
    """What was waited for did not come in time."""


def wait_until(look: Callable[[], Seen], seconds: float, what: str) -> Seen:
    """The first true value of `look()`; raises NeverHappened after `seconds`.

    It sleeps longer than it looks, however slow the machine is: others compute meanwhile.
    """
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if seen := look():
            return seen
        now = time.monotonic()
        if now > deadline:
            raise NeverHappened(f"not within {seconds:g} s: {what}")
        time.sleep(max(SHORTEST_S, REST * (now - began)))
