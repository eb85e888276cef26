"""The car's own draw over the last minutes, so that a meter sample meets the draw of its moment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ..measurements import CarState, ChargingState
from .inputs import LinkFacts

KEEP = 64
ACCEPT_TO_CURRENT_S = 10.0
RAMP_BOUND_A = 2.0  # as evcc's effective current: measured + 2 A, at most what was offered


@dataclass(slots=True)
class OwnPower:
    """Ring of (time, W, A); measured by the connector, else modelled from accepted commands."""

    ring: deque[tuple[float, float, float]] = field(default_factory=lambda: deque(maxlen=KEEP))

    def add(self, at: float, watts: float, amps: float) -> None:
        """Keep a point; older than the newest is ignored."""
        if not self.ring or at > self.ring[-1][0]:
            self.ring.append((at, watts, amps))

    def newest(self) -> tuple[float, float, float] | None:
        """The last point, or None."""
        return self.ring[-1] if self.ring else None

    def at(self, moment: float) -> tuple[float, float]:
        """(W, A) at `moment`: interpolated between its neighbours, else the nearest known."""
        later: tuple[float, float, float] | None = None
        for point in reversed(self.ring):
            if point[0] <= moment:
                return _between(point, later, moment)
            later = point
        return (later[1], later[2]) if later is not None else (0.0, 0.0)

    def covers(self, moment: float) -> bool:
        """True once a point at or after `moment` is known: its lookup will not change again."""
        return bool(self.ring) and self.ring[-1][0] >= moment


def _between(
    before: tuple[float, float, float], after: tuple[float, float, float] | None, moment: float
) -> tuple[float, float]:
    if after is None or after[0] <= before[0]:
        return before[1], before[2]
    part = (moment - before[0]) / (after[0] - before[0])
    return (
        before[1] + (after[1] - before[1]) * part,
        before[2] + (after[2] - before[2]) * part,
    )


def modelled_amps(
    now: float, car: CarState | None, car_at: float | None, link: LinkFacts
) -> float | None:
    """Current without a connector: the car's read, then what it accepted since; None: unknown.

    From 10 s after acceptance the accepted current counts; before that at most 2 A more than
    was last measured. A read taken later than that corrects it.
    """
    accepted_at = link.accepted_at if link.accepted_at is not None else float("-inf")
    turned_at = link.charging_since if link.charging_since is not None else float("-inf")
    changed_at = max(accepted_at, turned_at)
    measured = _read_amps(car)
    if car_at is not None and measured is not None and car_at >= changed_at + ACCEPT_TO_CURRENT_S:
        return measured
    if link.believed_charging is False:
        return 0.0
    if link.believed_charging is None or link.accepted_amps is None:
        return measured
    wanted = float(link.accepted_amps)
    if now < changed_at + ACCEPT_TO_CURRENT_S:
        return min(wanted, (measured or 0.0) + RAMP_BOUND_A)
    return wanted


def _read_amps(car: CarState | None) -> float | None:
    if car is None:
        return None
    if car.charger_actual_current is not None:
        return max(0.0, car.charger_actual_current)
    quiet = (ChargingState.STOPPED, ChargingState.DISCONNECTED, ChargingState.COMPLETE)
    return 0.0 if car.charging_state in quiet else None
