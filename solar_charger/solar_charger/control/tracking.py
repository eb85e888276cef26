"""Does the car do what it was told? Measured current against the last accepted one."""

from __future__ import annotations

from dataclasses import dataclass

from .decision import Observed
from .inputs import LinkFacts

LOOPS = 3
QUIET_S = 60.0
LESS_A = 4.0
MORE_A = 1.5
REQUEST_AFTER_S = 10.0


@dataclass(slots=True)
class Tracking:
    """Counts decisions with a deviation; `assertion` grows when it is time to say it again."""

    loops: int = 0
    assertion: int = 0
    insisted_on: int | None = None
    """The wanted value that was said again once because the car took less."""

    def update(self, seen: Observed, link: LinkFacts, ramping: bool) -> str:
        """`more`, `less` or "" for this step, after three loops and a minute of quiet."""
        wanted = link.accepted_amps
        if wanted is None or link.accepted_at is None or not seen.flowing or ramping:
            self.loops = 0
            return ""
        if seen.now - link.accepted_at <= QUIET_S:
            return ""
        kind = _deviation(seen, link, wanted)
        self.loops = self.loops + 1 if kind else 0
        if self.loops < LOOPS:
            return ""
        self.loops = 0
        return kind

    def insist(self, kind: str, wanted: int | None) -> bool:
        """Ask again: always for more than wanted, once per value for less (a car may limit)."""
        if kind == "less" and self.insisted_on == wanted:
            return False
        self.insisted_on = wanted if kind == "less" else None
        self.assertion += 1
        return True


def _deviation(seen: Observed, link: LinkFacts, wanted: int) -> str:
    assert seen.amps is not None
    if seen.amps > wanted + MORE_A:
        return "more"
    if seen.amps < wanted - LESS_A:
        return "less"
    car, at = seen.car, seen.car_at
    if car is None or at is None or link.accepted_at is None:
        return ""
    if at < link.accepted_at + REQUEST_AFTER_S or car.charge_current_request is None:
        return ""
    request = round(car.charge_current_request)
    ceiling = wanted if seen.car_max is None else min(wanted, seen.car_max)
    if request == ceiling:
        return ""
    return "more" if request > ceiling else "less"
