"""One line for each step that takes long, with its time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def step(text: str) -> Iterator[None]:
    """Prints `stand: <text> …` to standard error and the seconds when it is done."""
    print(f"stand: {text} …", file=sys.stderr, flush=True)
    started = time.monotonic()
    yield
    print(f"stand: {text}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
