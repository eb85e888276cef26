"""The timetable of a meter that has gone silent: freeze, then minimum, then stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from ..settings import Settings

RECOVER_SAMPLES = 2
RECOVER_S = 30.0
GENTLE_S = 300.0
GENTLE_STEP_A = 6


class Staleness(IntEnum):
    """How far the silence has come."""

    FRESH = 0
    FROZEN = 1
    MINIMUM = 2
    STOP = 3


def stale_after(settings: Settings, period: float) -> float:
    """Age in seconds from which a meter counts as silent: stale_s, at least two periods."""
    return max(float(settings.stale_s), 2.0 * period)


def staleness(age: float, stale_s: float) -> Staleness:
    """The row of the timetable for a sample of this age."""
    if age > max(300.0, 3.0 * stale_s):
        return Staleness.STOP
    if age > max(90.0, 1.5 * stale_s):
        return Staleness.MINIMUM
    return Staleness.FROZEN if age > stale_s else Staleness.FRESH


def gateway_restarts(wall: datetime) -> bool:
    """True from 22:55 to 23:15, when an Enphase gateway restarts each night (pyenphase docs)."""
    minutes = wall.hour * 60 + wall.minute
    return 22 * 60 + 55 <= minutes < 23 * 60 + 15


@dataclass(slots=True)
class Recovery:
    """After a silence: two fresh samples and 30 s before a rise, small rises for 5 min."""

    silent: bool = False
    back_at: float | None = None
    samples_at_return: int = 0

    def update(self, level: Staleness, now: float, samples: int) -> None:
        """Follow the timetable; `samples` counts all good samples so far."""
        if level is not Staleness.FRESH:
            self.silent = True
            self.back_at = None
        elif self.silent:
            self.silent = False
            self.back_at = now
            self.samples_at_return = samples - 1

    def may_rise(self, now: float, samples: int) -> bool:
        """True where a rise or start is allowed again."""
        if self.silent:
            return False
        if self.back_at is None:
            return True
        enough = samples - self.samples_at_return >= RECOVER_SAMPLES
        return enough and now - self.back_at >= RECOVER_S

    def step_limit(self, now: float) -> int | None:
        """Largest rise in A while trust comes back, else None."""
        if self.back_at is not None and now - self.back_at < GENTLE_S:
            return GENTLE_STEP_A
        return None
