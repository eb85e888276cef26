"""Ready by a time of day: latest start, lowest constant current, cheapest hours before it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from ..measurements import PriceSlot
from ..settings import Settings
from .calendar_days import next_deadline

EFFICIENCY = 0.9
RESERVE = 1.1
RESERVE_S = 900.0
REPLAN_S = 300.0
READ_AHEAD_S = 1800.0
SOC_MAX_AGE_S = 7200.0
QUARTER_S = 900.0
RELEASE_S = 1800.0
FIRST_READ_S = 300.0


@dataclass(frozen=True, slots=True)
class Need:
    """What is asked: figures of the car and of the cable."""

    soc: int | None
    soc_age: float | None
    """Seconds; None with `soc` means never read."""
    limit: int | None
    complete: bool
    watts_per_amp: float
    highest: int
    """A; options, circuit and car."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer for now."""

    state: str = ""
    run: bool = False
    amps: int = 0
    wake_to_read: bool = False
    eta_s: float | None = None
    text: str = ""


@dataclass(slots=True)
class Deadline:
    """Remembers the running deadline (a late charge goes on after it) and the last plan."""

    due: datetime | None = None
    running: bool = False
    planned_at: float = float("-inf")
    amps: int = 0
    unknown_since: float | None = None
    option: tuple[str, str] = ("", "")

    def plan(
        self,
        settings: Settings,
        need: Need,
        wall: datetime,
        now: float,
        slots: tuple[PriceSlot, ...] = (),
    ) -> Plan:
        """Decide for `wall`; `now` only spaces the recomputing of the current."""
        if self.option != (settings.deadline, settings.deadline_days):
            self.option = (settings.deadline, settings.deadline_days)
            self.running, self.due = False, None
        coming = next_deadline(wall, settings.deadline, settings.deadline_days, settings.time_zone)
        if coming is None:
            self.running = False
            return Plan()
        if not self.running or self.due is None:
            self.due = coming
        goal = (
            settings.deadline_soc if need.limit is None else min(settings.deadline_soc, need.limit)
        )
        missing = goal - (need.soc if need.soc is not None else 0)
        if missing <= 0 or need.complete:
            self.running = False
            return Plan("done", text=f"{goal} % reached")
        return self._toward(settings, need, wall, now, missing, slots)

    def _toward(
        self,
        settings: Settings,
        need: Need,
        wall: datetime,
        now: float,
        missing: int,
        slots: tuple[PriceSlot, ...],
    ) -> Plan:
        assert self.due is not None
        watt_hours = missing / 100.0 * settings.capacity_kwh * 1000.0 / EFFICIENCY
        highest_w = need.highest * need.watts_per_amp
        if highest_w <= 0:
            return Plan("impossible", text="no current is allowed now")
        seconds = watt_hours / highest_w * 3600.0
        left = self.due.timestamp() - wall.timestamp()
        latest = left - seconds * RESERVE - RESERVE_S
        stale = need.soc is None or need.soc_age is None or need.soc_age > SOC_MAX_AGE_S
        wake = stale and latest <= READ_AHEAD_S
        state = "late" if seconds > left else "on_track"
        cheap = self._in_cheap_slot(slots, wall, seconds * RESERVE + RESERVE_S)
        waits = need.soc is None and self._first_ask(now)
        if waits:
            return Plan(state, wake_to_read=wake, text="the battery's level is not known yet")
        self.running = latest <= (RELEASE_S if self.running else 0.0)
        if not self.running and not cheap:
            text = f"{missing} % missing, latest start in {max(0.0, latest) / 60:.0f} min"
            return Plan(state, wake_to_read=wake, text=text)
        amps = need.highest if cheap else self._lowest(settings, need, watt_hours, left, now)
        eta = watt_hours / (amps * need.watts_per_amp) * 3600.0
        text = f"{missing} % missing until {self.due:%H:%M}: {amps} A, ready in {eta / 60:.0f} min"
        return Plan(state, True, amps, wake, eta, text)

    def _first_ask(self, now: float) -> bool:
        """Five minutes for the first read before an unknown level counts as empty."""
        if self.unknown_since is None:
            self.unknown_since = now
        return now - self.unknown_since < FIRST_READ_S

    def _lowest(
        self, settings: Settings, need: Need, watt_hours: float, left: float, now: float
    ) -> int:
        """Lowest constant current that still makes it, recomputed each 5 min."""
        if now - self.planned_at >= REPLAN_S or self.amps <= 0:
            self.planned_at = now
            usable = max(60.0, left - RESERVE_S)
            wanted = watt_hours * 3600.0 / usable / need.watts_per_amp
            self.amps = need.highest if left <= RESERVE_S else math.ceil(wanted)
        return max(min(settings.min_amps, need.highest), min(need.highest, self.amps))

    def _in_cheap_slot(self, slots: tuple[PriceSlot, ...], wall: datetime, seconds: float) -> bool:
        """True where now is one of the cheapest quarters that suffice before the deadline."""
        if not slots or self.due is None:
            return False
        quarters = quarter_hours(slots, wall, self.due)
        wanted = math.ceil(seconds / QUARTER_S)
        # Latest first among equals, so that equal prices make one run that ends at the deadline.
        chosen = sorted(quarters, key=lambda pair: (pair[1], -pair[0]))[:wanted]
        return any(begin <= wall.timestamp() < begin + QUARTER_S for begin, _ in chosen)


def quarter_hours(
    slots: tuple[PriceSlot, ...], wall: datetime, until: datetime
) -> list[tuple[float, float]]:
    """(epoch begin, price) of each priced quarter from the one that holds `wall` to `until`."""
    begin = math.floor(wall.timestamp() / QUARTER_S) * QUARTER_S
    found: list[tuple[float, float]] = []
    while begin + QUARTER_S <= until.timestamp() + 1.0:
        prices = [
            slot.price for slot in slots if slot.start.timestamp() <= begin < slot.end.timestamp()
        ]
        if prices:
            found.append((begin, min(prices)))
        begin += QUARTER_S
    return found
