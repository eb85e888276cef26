"""Night: little production for long enough, or the sun below the horizon where none is measured."""

from __future__ import annotations

from dataclasses import dataclass

from ..measurements import Snapshot
from ..settings import Settings
from .surplus import possible

PRODUCTION_MAX_AGE_S = 180.0
SUN_DOWN_DEG = -2.0


@dataclass(slots=True)
class NightWatch:
    """Since when production has been low; unknown production is not low production."""

    low_since: float | None = None
    night: bool = False

    def update(self, settings: Settings, snapshot: Snapshot, now: float) -> bool:
        """True while it is night."""
        reading = snapshot.production_w
        max_age = snapshot.max_age.get("production_w", PRODUCTION_MAX_AGE_S)
        if reading is None or not reading.fresh(now, max_age) or not possible(reading.value):
            return self._by_sun(snapshot)
        if reading.value >= settings.night_w:
            self.low_since = None
            self.night = False
        elif self.low_since is None:
            self.low_since = reading.measured_at
        if self.low_since is not None and now - self.low_since >= settings.night_s:
            self.night = True
        return self.night

    def _by_sun(self, snapshot: Snapshot) -> bool:
        self.low_since = None
        if snapshot.sun_elevation is not None:
            self.night = snapshot.sun_elevation < SUN_DOWN_DEG
        return self.night
