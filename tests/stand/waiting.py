"""Waiting for something to become true, with an upper bound."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


class NeverHappened(AssertionError):
    """What was waited for did not come in time."""


def wait_until(look: Callable[[], Seen], seconds: float, what: str) -> Seen:
    """The first true value of `look()`; raises NeverHappened after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise NeverHappened(f"not within {seconds:g} s: {what}")
        time.sleep(0.1)
    return seen
