"""Complete at the car's own limit: latched, and let go only by what a read or a current shows."""

from __future__ import annotations

from dataclasses import dataclass

from ..measurements import ChargingState
from .decision import Observed

REOPEN_PERCENT = 3


@dataclass(slots=True)
class Fullness:
    """Latch of "complete"; `limit` is the car's limit when it closed."""

    full: bool = False
    limit: int | None = None
    since: float = float("-inf")
    read_at: float = float("-inf")
    wants_read: bool = False

    def update(self, seen: Observed, complete_at: float | None, woken_at: float | None) -> None:
        """Follow reads, the answer "complete" to a start, a waking car and a returning current."""
        if complete_at is not None and complete_at > max(self.since, self.read_at):
            self._close(None, seen.now)
        if seen.car_at is not None and seen.car_at > self.read_at:
            self.read_at = seen.car_at
            self.wants_read = False
            self._judge(seen)
        if not self.full:
            self.wants_read = False
            return
        stirred = max(woken_at if woken_at is not None else self.since, self.since)
        current = seen.flowing and seen.now - self.read_at > 120.0
        self.wants_read = stirred > max(self.read_at, self.since) or current

    def open(self) -> None:
        """A plug edge begins anew."""
        self.full = self.wants_read = False
        self.limit = None

    def _close(self, limit: int | None, now: float) -> None:
        if not self.full:
            self.since = now
        self.full = True
        self.limit = limit if limit is not None else self.limit

    def _judge(self, seen: Observed) -> None:
        car = seen.car
        if car is None:
            return
        state, soc, limit = car.charging_state, car.battery_level, car.charge_limit_soc
        running = state in (ChargingState.CHARGING, ChargingState.STARTING)
        at_limit = soc is not None and limit is not None and soc >= limit
        if not self.full:
            if state is ChargingState.COMPLETE or (at_limit and not running):
                self._close(limit, seen.now)
            return
        raised = limit is not None and self.limit is not None and limit > self.limit
        fallen = soc is not None and limit is not None and soc <= limit - REOPEN_PERCENT
        if running or fallen or (raised and not at_limit):
            self.open()
        elif self.limit is None:
            self.limit = limit
