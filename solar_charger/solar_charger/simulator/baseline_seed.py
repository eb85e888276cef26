"""Two published solar chargers re-told from their descriptions: 4.0.6 and its successor 4.0.7.

Floor 6 A, even currents, a 2 A threshold, a 30 s loop; neither ever stops by day.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .agent import Baseline

FLOOR_A, CEILING_A = 6, 48
VOLTS = 240.0
NIGHT_W, NIGHT_S = 100.0, 600
THRESHOLD_A = 2


@dataclass(slots=True)
class Seed406(Baseline):
    """target = 6 + export / 240: the car's own draw is forgotten."""

    made: deque[float] = field(default_factory=lambda: deque(maxlen=3))
    exported: deque[float] = field(default_factory=lambda: deque(maxlen=3))
    dark_since: int | None = None
    stopped: bool = False

    def decide(self, now: int) -> None:
        """One loop."""
        if self.grid_w is None:
            return
        self.made.append(self.pv_w)
        self.exported.append(-self.grid_w)
        production = sum(self.made) / len(self.made)
        if self._night(production, now):
            return
        excess = sum(self.exported) / len(self.exported)
        target = self._target(excess)
        if abs(target - self.believed) >= THRESHOLD_A and not (excess <= 0 and not self.believed):
            self.set_amps(target)
        elif self.believed > 0 and not self.charging and not self.car.complete:
            self.start()

    def _night(self, production: float, now: int) -> bool:
        if production >= NIGHT_W:
            self.dark_since, self.stopped = None, False
            return False
        if self.dark_since is None:
            self.dark_since = now
        if now - self.dark_since < NIGHT_S:
            return False
        if not self.stopped:
            self.stopped = True
            if self.measured_amps >= 0.5 and self.believed > 0:
                self.stop()
        return True

    def _target(self, excess: float) -> int:
        target = FLOOR_A + int(excess / VOLTS) if excess > 0 else FLOOR_A
        return _even(target)


@dataclass(slots=True)
class Seed407(Seed406):
    """target = present + export / 240, at most 4 A up in a loop."""

    def _target(self, excess: float) -> int:
        step = min(4, int(excess / VOLTS))
        return _even(max(FLOOR_A, self.believed) + step)


def _even(target: int) -> int:
    bounded = max(FLOOR_A, min(CEILING_A, target))
    return max(FLOOR_A, bounded - bounded % 2)
