"""Pings one leg and gives it up when neither a pong nor any other byte comes back.

Any byte counts as life, because some wallboxes never answer pings (EN+ AC7000).
"""

from __future__ import annotations

import asyncio
import struct
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .legs import Leg


class Keepalive:
    """The timers of one leg; `proved` is set by the first message or pong."""

    __slots__ = ("_count", "_leg", "_loop", "_sent", "_timer", "latency", "proved", "unanswered")

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._sent = 0.0
        # When the oldest ping without any byte since was sent; legs set it to None at each byte.
        self.unanswered: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.latency = 0.0
        self.proved = False
        if leg.pace.ping_interval > 0:
            self._timer = self._loop.call_later(leg.pace.ping_interval, self._due)

    def pong(self, payload: bytes) -> float | None:
        """The round trip in seconds, if this answers the newest ping."""
        self.proved = True
        if payload != struct.pack("!I", self._count) or not self._sent:
            return None
        self.latency = monotonic() - self._sent
        self._sent = 0.0
        return self.latency

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        leg, pace, now = self._leg, self._leg.pace, self._loop.time()
        waited = None if self.unanswered is None else now - self.unanswered
        # What we do not read cannot be held against the peer; the send timeout watches it then.
        patient = not pace.ping_timeout or leg.reading_paused
        if waited is not None and not patient and waited >= pace.ping_timeout:
            leg.give_up()
            return
        self._count = (self._count + 1) & 0xFFFFFFFF
        self._sent = monotonic()
        leg.ping(struct.pack("!I", self._count))
        if self.unanswered is None:
            self.unanswered = now
        self._timer = self._loop.call_later(self._next(now), self._due)

    def _next(self, now: float) -> float:
        """The next ping, or earlier the moment when the waiting is over."""
        pace = self._leg.pace
        if not pace.ping_timeout or self.unanswered is None:
            return pace.ping_interval
        left = self.unanswered + pace.ping_timeout - now
        return min(pace.ping_interval, max(left, 0.05))
