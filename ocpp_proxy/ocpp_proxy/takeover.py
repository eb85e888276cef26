"""Tells a wallbox that came back from two wallboxes that fight for one station id. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable


class TakeoverGuard:
    """More than `most` takeovers within `window` seconds from changing addresses stop for `pause`.

    Only takeovers in which the newcomer's address differs count: a box that lost its Wi-Fi comes
    back from its own.
    """

    def __init__(
        self, most: int = 5, window: float = 60.0, pause: float = 60.0, capacity: int = 1024
    ) -> None:
        self._most, self._window, self._pause, self._capacity = most, window, pause, capacity
        self._takeovers: OrderedDict[Hashable, deque[float]] = OrderedDict()
        self._closed_until: dict[Hashable, float] = {}

    def admits(self, key: Hashable, old: str, new: str, now: float) -> bool:
        """Whether the newcomer at address `new` may replace the session from `old`; counts it."""
        if old == new:
            return True
        if now < self._closed_until.get(key, now):
            return False
        self._closed_until.pop(key, None)
        times = self._takeovers.pop(key, deque())
        while times and now - times[0] > self._window:
            times.popleft()
        if len(times) >= self._most:
            self._closed_until[key] = now + self._pause
            return False
        times.append(now)
        self._takeovers[key] = times
        if len(self._takeovers) > self._capacity:
            self._takeovers.popitem(last=False)
        return True
