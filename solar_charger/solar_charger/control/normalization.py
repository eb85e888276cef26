"""Giving the car its full current back when it leaves, so that it charges normally elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from ..measurements import PlugState
from ..settings import Settings

RETRY_S = 600.0


@dataclass(slots=True)
class Normalization:
    """The one current that is set while unplugged; kept until done, or void by plugging in."""

    pending: bool = False
    amps: int = 0
    since: float = 0.0
    reason: str = ""
    away: bool = False
    """This run has seen the cable out since it was wanted."""

    def begin(self, settings: Settings, car_max: int | None, now: float, reason: str) -> bool:
        """Want it; False where the option says to leave the current alone."""
        amps = target(settings, car_max)
        if amps <= 0:
            return False
        self.pending, self.amps, self.since, self.reason = True, amps, now, reason
        self.away = False
        return True

    def follow(self, plug: PlugState, accepted_amps: int | None, accepted_at: float | None) -> None:
        """Void once plugged in again, or nobody knows any more; done once the car took the current.

        After a restart nobody knows at first: that alone does not void what was kept.
        """
        if plug is PlugState.UNPLUGGED:
            self.away = True
        elif plug is PlugState.PLUGGED or self.away:
            self.pending = False
        taken = accepted_at is not None and accepted_at >= self.since
        if taken and accepted_amps == self.amps and plug is PlugState.UNPLUGGED:
            self.pending = False

    def drop(self) -> None:
        """Done, or void: plugged in again."""
        self.pending = False

    def due(self, plug: PlugState, now: float, contact_at: float | None) -> bool:
        """True while a try makes sense: 10 min from the edge, later only when the car is heard."""
        if not self.pending or plug is not PlugState.UNPLUGGED:
            return False
        return now - self.since <= RETRY_S or (contact_at is not None and now - contact_at <= 60.0)


def target(settings: Settings, car_max: int | None) -> int:
    """The current to leave behind, A; 0 where none is wanted."""
    highest = settings.amps_limit if car_max is None else min(settings.amps_limit, car_max)
    if settings.normalize_amps is None:
        return highest
    return min(settings.normalize_amps, highest)
