"""Adds up what the car draws: this session, for life, from the sun and from the grid. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

LONGEST_STEP_S = 60.0
"""A longer gap between two looks is an outage, about which nothing is made up."""


@dataclass(slots=True)
class Energy:
    """Sums in Wh; `session_wh` begins anew at each plug edge."""

    session_wh: float = 0.0
    solar_wh: float = 0.0
    grid_wh: float = 0.0
    at: float | None = None

    def add(self, now: float, own_w: float | None, grid_w: float | None) -> None:
        """Power held since the last call; unknown grid power counts as bought."""
        last, self.at = self.at, now
        if last is None or own_w is None or not 0.0 < now - last <= LONGEST_STEP_S:
            return
        own = max(0.0, own_w)
        bought = own if grid_w is None else min(own, max(0.0, grid_w))
        hours = (now - last) / 3600.0
        self.session_wh += own * hours
        self.grid_wh += bought * hours
        self.solar_wh += (own - bought) * hours


@dataclass(slots=True)
class SessionRecord:
    """The session since the last plug edge, as it will stand in the list of sessions."""

    start_utc: float = 0.0
    energy_wh: float = 0.0
    solar_wh: float = 0.0
    grid_wh: float = 0.0
    peak_a: float = 0.0
    soc_start: int | None = None
    soc_end: int | None = None
    starts: int = 0
    commands: int = 0
    flowing: bool = False

    def follow(self, energy: Energy, before: tuple[float, float, float]) -> None:
        """Take the growth of the sums (session, solar, grid) since `before`."""
        self.energy_wh += max(0.0, energy.session_wh - before[0])
        self.solar_wh += max(0.0, energy.solar_wh - before[1])
        self.grid_wh += max(0.0, energy.grid_wh - before[2])

    def see(self, amps: float | None, soc: int | None) -> None:
        """Peak current, begins of the flow, SOC at both ends."""
        if amps is not None:
            self.peak_a = max(self.peak_a, amps)
            if amps >= 1.0 and not self.flowing:
                self.starts += 1
            if amps >= 1.0 or amps <= 0.5:
                self.flowing = amps >= 1.0
        if soc is not None:
            self.soc_start = soc if self.soc_start is None else self.soc_start
            self.soc_end = soc

    def record(self, end_utc: float) -> dict[str, Any]:
        """A row of `sessions`."""
        row = {key: value for key, value in asdict(self).items() if key != "flowing"}
        return {**row, "start_utc": int(self.start_utc), "end_utc": int(end_utc)}


def restored(kind: type[Any], kept: object) -> Any:
    """A record from what was kept; an odd member has its default."""
    made = kind()
    if isinstance(kept, Mapping):
        for each in fields(kind):
            value, default = kept.get(each.name), getattr(made, each.name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            wanted = isinstance(default, bool) == isinstance(value, bool)
            if value is not None and wanted and (number or isinstance(default, bool)):
                setattr(made, each.name, value)
    return made
