"""evcc's surplus rule re-told from its public source (core/loadpoint.go, core/timer.go).

30 s loop, whole amperes, 6…48 A, enable after 60 s, disable after 180 s, thresholds 0, residual 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from .agent import Baseline

LEAST_A, MOST_A = 6, 48
ENABLE_S, DISABLE_S = 60, 180
RAMP_BOUND_A = 2.0


@dataclass(slots=True)
class Evcc(Baseline):
    """Delta current from the site's power; timers restart when their condition breaks."""

    enabled: bool = False
    offered: int = 0
    timer: int | None = None

    def decide(self, now: int) -> None:
        """One loop."""
        if self.grid_w is None or self.car.complete:
            return
        watts_per_amp = self.car.watts_per_amp
        delta = -self.grid_w / watts_per_amp
        effective = 0.0
        if self.enabled and self.charging:
            effective = min(self.measured_amps + RAMP_BOUND_A, float(self.offered))
        target = max(0.0, effective + delta)
        if self.enabled:
            self._while_enabled(target, now)
        else:
            self._while_disabled(target, now)

    def _while_enabled(self, target: float, now: int) -> None:
        assert self.grid_w is not None
        if target >= LEAST_A:
            self.timer = None
            self._offer(min(MOST_A, int(target)))
            return
        if self.grid_w < 0:
            self.timer = None
        elif self.timer is None:
            self.timer = now
        elif now - self.timer >= DISABLE_S:
            self.timer, self.enabled, self.offered = None, False, 0
            self.stop()
            return
        self._offer(LEAST_A)

    def _while_disabled(self, target: float, now: int) -> None:
        if target < LEAST_A:
            self.timer = None
            return
        if self.timer is None:
            self.timer = now
        if now - self.timer < ENABLE_S:
            return
        self.timer, self.enabled = None, True
        self._offer(LEAST_A)
        self.start()

    def _offer(self, amps: int) -> None:
        if amps != self.offered:
            self.offered = amps
            self.set_amps(amps)
