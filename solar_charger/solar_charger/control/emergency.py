"""A low battery is charged at full current, sun or not, until the target."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import Settings

REARM_PERCENT = 2
NO_PROGRESS_S = 45 * 60.0


@dataclass(slots=True)
class Emergency:
    """Active or not, armed or not; survives a restart."""

    active: bool = False
    armed: bool = True
    best_soc: int | None = None
    progress_at: float = 0.0

    def update(
        self, settings: Settings, soc: int | None, limit: int | None, complete: bool, now: float
    ) -> bool:
        """True while it lasts. An unknown SOC neither begins nor ends one."""
        threshold = settings.emergency_soc
        if threshold <= 0:
            self.active = False
            return False
        if soc is not None:
            if soc > threshold + REARM_PERCENT:
                self.armed = True
            if not self.active and self.armed and soc < threshold and not complete:
                self.active, self.armed = True, False
                self.best_soc, self.progress_at = soc, now
            self._follow(soc, now)
        if self.active and (complete or (soc is not None and soc >= goal(settings, limit))):
            self.active = False
        return self.active

    def _follow(self, soc: int, now: float) -> None:
        if self.active and (self.best_soc is None or soc > self.best_soc):
            self.best_soc, self.progress_at = soc, now

    def begin_anew(self) -> None:
        """A plug edge: whatever interrupted an emergency, a low battery begins one anew."""
        self.active, self.armed = False, True

    def stuck(self, now: float) -> bool:
        """True where 45 minutes brought no percent."""
        return self.active and now - self.progress_at > NO_PROGRESS_S


def goal(settings: Settings, limit: int | None) -> int:
    """SOC in % that ends it: the larger of threshold and target, never above the car's limit."""
    wanted = max(settings.emergency_soc, settings.target_soc)
    return wanted if limit is None else min(wanted, limit)
