"""The car's own draw over the last minutes, so that a meter sample meets the draw of its moment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ..measurements import CarState, ChargingState
from .inputs import LinkFacts

KEEP = 64
TRUE_FOR_S = 30.0
"""So long a last point stands for what follows; then nothing is known, and that is no draw."""
EVIDENCE_S = 600.0
"""So long a read or an answer of the car tells what it draws."""
ACCEPT_TO_CURRENT_S = 10.0
START_TO_CURRENT_S = 8.0
CLIMB_A_S = 2.0


@dataclass(slots=True)
class OwnPower:
    """Ring of (time, W, A); measured by the connector, else modelled from accepted commands."""

    ring: deque[tuple[float, float, float]] = field(default_factory=lambda: deque(maxlen=KEEP))
    measured: bool = False
    """The newest point is a connector's, not a model's."""

    def add(self, at: float, watts: float, amps: float, measured: bool) -> None:
        """Keep a point; older than the newest is ignored."""
        if not self.ring or at > self.ring[-1][0]:
            self.measured = measured
            self.ring.append((at, watts, amps))

    def newest(self) -> tuple[float, float, float] | None:
        """The last point, or None."""
        return self.ring[-1] if self.ring else None

    def at(self, moment: float) -> tuple[float, float]:
        """(W, A) at `moment`: interpolated between its neighbours, else the nearest known.

        Nothing known of the last half minute is (0, 0): a draw that may have ended must not hide
        what the house draws.
        """
        later: tuple[float, float, float] | None = None
        for point in reversed(self.ring):
            if point[0] <= moment:
                if later is None and moment - point[0] > TRUE_FOR_S:
                    return 0.0, 0.0
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
    now: float,
    car: CarState | None,
    car_at: float | None,
    link: LinkFacts,
    before: tuple[float, float] | None = None,
) -> float | None:
    """Current without a connector: the car's read, then what it accepted since; None: unknown.

    `before` is the model's last point, (time, A): from there the current climbs to an accepted
    one as cars do, and falls at once. A read taken after that corrects it. Neither counts once it
    is ten minutes old.
    """
    if car_at is None or now - car_at > EVIDENCE_S:
        car, car_at = None, None
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
    if car_at is None and now - changed_at > EVIDENCE_S:
        return None
    begins_at = max(accepted_at, turned_at + START_TO_CURRENT_S)
    at, amps = before if before is not None else (changed_at, measured or 0.0)
    climbed = max(0.0, now - max(at, begins_at)) * CLIMB_A_S
    return min(float(link.accepted_amps), amps + climbed)


def _read_amps(car: CarState | None) -> float | None:
    if car is None:
        return None
    if car.charger_actual_current is not None:
        return max(0.0, car.charger_actual_current)
    quiet = (ChargingState.STOPPED, ChargingState.DISCONNECTED, ChargingState.COMPLETE)
    return 0.0 if car.charging_state in quiet else None
