"""The state as server-sent events: at once, on change, every few seconds, for a few browsers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .answers import text_of

if TYPE_CHECKING:
    from . import Backend

MOST = 4
"""Streams at once; each takes a thread of the server."""
EVERY_S = 5.0
COMMENT_S = 15.0
GAP_S = 0.5
"""Least time between two events, however fast the state changes."""
LIFE_S = 600.0
"""A stream ends after this and the browser opens it again, so that a dead peer frees its place."""
SLICE_S = 1.0


class Streams:
    """The open streams of this program."""

    def __init__(self, backend: Backend, now: Callable[[], float] = time.monotonic) -> None:
        self._backend = backend
        self._now = now
        self._lock = threading.Lock()
        self._open = 0
        self.stopping = threading.Event()

    def open(self) -> Stream | None:
        """One more, or None when there are enough."""
        with self._lock:
            if self._open >= MOST or self.stopping.is_set():
                return None
            self._open += 1
        return Stream(self._backend, self._now, self.stopping, self._left)

    def _left(self) -> None:
        with self._lock:
            self._open -= 1


class Stream:
    """One stream: an iterator of texts; `close` gives its place back, and may be called twice."""

    def __init__(
        self,
        backend: Backend,
        now: Callable[[], float],
        stopping: threading.Event,
        left: Callable[[], None],
    ) -> None:
        self._backend, self._now, self._stopping, self._left = backend, now, stopping, left
        self._number = -1
        self._sent_at: float | None = None
        self._opened_at = self._commented_at = now()
        self._closed = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not self._stopping.is_set():
            now = self._now()
            if now - self._opened_at >= LIFE_S:
                break
            if self._sent_at is None:
                return "retry: 3000\n" + self._event(now)
            if now - self._commented_at >= COMMENT_S:
                self._commented_at = now
                return ": still here\n\n"
            if self._due(now):
                return self._event(self._now())
        raise StopIteration

    def _due(self, now: float) -> bool:
        """Wait a little for a reason to send; True when there is one."""
        assert self._sent_at is not None
        since = now - self._sent_at
        if since >= EVERY_S:
            return True
        if since < GAP_S:
            self._stopping.wait(GAP_S - since)
            return False
        patience = min(SLICE_S, EVERY_S - since)
        return self._backend.newer_than(self._number, patience) is not None

    def _event(self, now: float) -> str:
        # Taken before the state is made: a swap in between is then sent once more, never lost.
        self._number = self._backend.view.number
        self._sent_at = now
        return f"event: state\nid: {self._number}\ndata: {text_of(self._backend.state())}\n\n"

    def close(self) -> None:
        """The browser went away, or the program ends."""
        if not self._closed:
            self._closed = True
            self._left()
