"""One step's view: everything the rules look at, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..measurements import PlugState, PriceSlot, Snapshot
from ..settings import Settings
from .decision import Observed
from .fuse import FuseCap
from .inputs import LinkFacts, Wishes
from .staleness import Staleness
from .surplus import Surplus


@dataclass(slots=True)
class Context:
    """Read by the rules; only the controller fills it."""

    now: float
    wall: datetime
    settings: Settings
    wishes: Wishes
    link: LinkFacts
    snapshot: Snapshot
    seen: Observed
    soc: int | None
    """Of this session, %."""
    soc_age: float | None
    stored_soc: int | None
    limit: int | None
    surplus: Surplus | None
    level: Staleness
    stale_s: float
    meter_age: float
    highest: int
    """A: options, circuit, car."""
    fuse: FuseCap
    night: bool
    battery_level: Staleness
    """How far the house battery's silence has come."""
    battery_feeds: bool
    battery_starts: bool
    slots: tuple[PriceSlot, ...]

    @property
    def cap(self) -> int:
        """Highest current of this moment, A."""
        return self.highest if self.fuse.amps is None else min(self.highest, self.fuse.amps)

    @property
    def least(self) -> int:
        """Lowest current we run at; a car or circuit below min_amps runs at its own."""
        return min(self.settings.min_amps, self.highest)

    @property
    def fused(self) -> bool:
        """True where fuse or island leave less than the least current."""
        return self.cap < self.least

    @property
    def plugged(self) -> bool:
        """True where the plug is definitely in."""
        return self.seen.plug is PlugState.PLUGGED

    @property
    def flows(self) -> bool:
        """Measured current, or, where nobody measures, what the car accepted."""
        if self.seen.amps is not None:
            return self.seen.flowing
        return bool(self.link.believed_charging)

    @property
    def draw(self) -> float | None:
        """A the car draws: measured, else what it last accepted while it charges; None: unknown."""
        if self.seen.amps is not None:
            return self.seen.amps
        accepted = self.link.accepted_amps
        return float(accepted) if self.flows and accepted is not None else None

    @property
    def least_w(self) -> float:
        """Power at the least current."""
        return self.least * self.seen.watts_per_amp
