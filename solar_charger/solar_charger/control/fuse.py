"""The house's main fuse: how much current it leaves to the car, by phase where that is known.

Not a certified protection: a command takes seconds over Bluetooth and can fail, so breaker and
wall connector setting stay the real one.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from ..measurements import Snapshot
from ..settings import Settings, Wiring
from .electric import Electric
from .own_power import OwnPower
from .surplus import possible

RISE_AFTER_S = 60.0
DATA_MAX_AGE_S = 60.0
OUTLIVED_S = 30.0


@dataclass(frozen=True, slots=True)
class FuseCap:
    """Highest current left to the car, A, and why; `amps` None where nothing caps."""

    amps: int | None
    reason: str = ""
    text: str = ""


@dataclass(slots=True)
class FuseGuard:
    """Headroom of the last minute: falls at once, rises to the least of 60 s."""

    began_at: float
    headrooms: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=256))
    islanded: bool = False
    """The house left the grid and nobody has said since that it is back."""
    held: int | None = None
    """The last cap that rested on a measurement, A: a silence never gives more."""

    def observe(
        self, settings: Settings, snapshot: Snapshot, own: OwnPower, electric: Electric
    ) -> None:
        """Take the newest grid sample into the minute, and whether there is a grid at all."""
        islanded = snapshot.islanded
        if islanded is not None and islanded.usable:
            self.islanded = islanded.value
        if settings.main_fuse_amps <= 0:
            return
        newest = _newest_headroom(settings, snapshot, own, electric)
        if newest is None:
            return
        if self.headrooms and newest[0] <= self.headrooms[-1][0]:
            # The same sample, with the car's draw of its moment now better known.
            if newest[0] == self.headrooms[-1][0]:
                self.headrooms[-1] = newest
            return
        self.headrooms.append(newest)

    def cap(self, settings: Settings, now: float, stale_s: float, amps_now: float) -> FuseCap:
        """The cap of this moment. `amps_now` is what the car draws: held until 60 s are known."""
        if self.islanded:
            text = f"the house runs off-grid: at most {settings.offgrid_amps} A"
            return FuseCap(settings.offgrid_amps, "off_grid", text)
        if settings.main_fuse_amps <= 0:
            return FuseCap(None)
        if self._age(now) > max(DATA_MAX_AGE_S, stale_s):
            return self._without_data(settings)
        cap = self._measured(now, amps_now)
        if self._minute_known(now) or amps_now >= 1.0:
            self.held = cap.amps
        return cap

    def _minute_known(self, now: float) -> bool:
        return bool(self.headrooms) and self.headrooms[0][0] <= now - RISE_AFTER_S

    def _without_data(self, settings: Settings) -> FuseCap:
        """The fallback, or what held when the data ended where that was less."""
        if self.headrooms:
            # What comes next is a new minute: one sample after a silence raises nothing.
            self.began_at = self.headrooms[-1][0]
            self.headrooms.clear()
        amps = settings.fallback_limit if self.held is None else self.held
        amps = min(amps, settings.fallback_limit)
        text = f"no grid data for the main fuse: at most {amps} A"
        return FuseCap(amps, "fuse_no_data", text)

    def _age(self, now: float) -> float:
        return now - (self.headrooms[-1][0] if self.headrooms else self.began_at)

    def _measured(self, now: float, amps_now: float) -> FuseCap:
        if not self.headrooms:
            return FuseCap(round(amps_now), "fuse_wait", "waiting for grid data of the main fuse")
        recent = [room for at, room in self.headrooms if at >= now - RISE_AFTER_S]
        least = min(recent, default=self.headrooms[-1][1])
        newest = self.headrooms[-1][1]
        if not self._minute_known(now):
            least = min(least, max(float(round(amps_now)), 0.0))
        amps = max(0, int(least + 1e-6))
        text = f"the main fuse leaves {amps} A (headroom now {newest:.0f} A)"
        return FuseCap(amps, "fuse", text)


def _newest_headroom(
    settings: Settings, snapshot: Snapshot, own: OwnPower, electric: Electric
) -> tuple[float, float] | None:
    """(time, headroom in A) of the newest grid reading, or None without one."""
    limit = settings.main_fuse_amps * settings.fuse_safety
    by_phase = _house_by_phase(settings, snapshot, own, electric)
    if by_phase is not None:
        return by_phase[0], limit - by_phase[1]
    grid = snapshot.grid_w
    if grid is None or not grid.usable or not possible(grid.value):
        return None
    own_w = own.at(grid.measured_at)[0]
    # A sum can hide a loaded phase behind another one that exports: never below nothing.
    house_w = max(0.0, grid.value - own_w)
    leg_volts = electric.volts / 2 if electric.split else electric.volts
    legs = 3 if settings.wiring is Wiring.THREE else 2 if electric.split else electric.phases
    return grid.measured_at, limit - house_w / leg_volts / (legs if settings.balanced else 1)


def _house_by_phase(
    settings: Settings, snapshot: Snapshot, own: OwnPower, electric: Electric
) -> tuple[float, float] | None:
    """(time, highest current the house alone takes on a phase of the car)."""
    currents, grid = snapshot.grid_phase_a, snapshot.grid_w
    if currents is None or not currents.usable:
        return None
    if grid is not None and grid.usable and grid.measured_at > currents.measured_at + OUTLIVED_S:
        return None
    known = _car_phases(settings, electric, currents.value)
    if not known or any(amps is None or not math.isfinite(amps) for amps in known):
        return None
    own_amps = own.at(currents.measured_at)[1]
    return currents.measured_at, max(float(amps or 0.0) for amps in known) - own_amps


def _car_phases(
    settings: Settings, electric: Electric, currents: tuple[float | None, ...]
) -> list[float | None]:
    """The currents of the phases the car hangs on; of all that are told until they are counted."""
    if electric.split:
        return list(currents[:2])
    if not electric.certain:
        return [amps for amps in currents if amps is not None]
    return [currents[ord(letter) - ord("a")] for letter in settings.phase_map[: electric.phases]]
