"""A plant that lives beside the app: the same eventful day again and again, for trying things out.

05:30 plug-in at 48 %, from 08:00 clear, from 11:00 broken clouds, 13:30 the meter is silent for an
hour, 15:00 unplugged while the car is out of reach, 16:00 plugged in again, from 17:00 overcast.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from . import house, sky
from .car import Car
from .day import Day, day_of
from .meter import Connector, Meter
from .radio import Radio, Spans
from .scenario import Scenario

if TYPE_CHECKING:
    _Array = array[float]
else:
    _Array = array

DAY_S = sky.DAY_S
HOUR = 3600
PLUG_AT, CLEAR_AT, BROKEN_AT = 5 * HOUR + 1800, 8 * HOUR, 11 * HOUR
OUTAGE = (13 * HOUR + 1800, 14 * HOUR + 1800)
UNPLUG_AT, REPLUG_AT, OVERCAST_AT = 15 * HOUR, 16 * HOUR, 17 * HOUR
OUT_OF_RANGE = (15 * HOUR - 60, 16 * HOUR - 60)
PLUGGED_SOC = 48.0


class Repeating(_Array):
    """A day's values that begin anew each midnight."""

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        """The value of a second of any day."""
        return super().__getitem__(index % DAY_S if isinstance(index, int) else index)


@lru_cache(maxsize=1)
def demo_day(seed: int) -> Day:
    """Sun and loads of the scripted day."""
    chance = Random(f"demo {seed}")
    skies = {name: sky.production(name, chance) for name in sky.SKIES}
    pv = array("d", skies["overcast"])
    pv[CLEAR_AT:BROKEN_AT] = skies["clear"][CLEAR_AT:BROKEN_AT]
    pv[BROKEN_AT:OVERCAST_AT] = skies["broken"][BROKEN_AT:OVERCAST_AT]
    made = day_of("demo", None, pv, house.consumption(chance))
    return replace(made, pv=Repeating("d", made.pv), load=Repeating("d", made.load))


class DemoPlant:
    """Car, radio, meter and wall connector. Whoever asks for the second brings the car up to it."""

    def __init__(self, second: Callable[[], int], seed: int = 0) -> None:
        """`second` counts on from midnight to midnight: 86,400 is the second day's first."""
        self._second = second
        chance = Random(f"demo {seed}")
        scenario = Scenario(capacity_kwh=120.0, soc=PLUGGED_SOC, limit=100, plugged=False)
        self._scenario = scenario
        self.car: Car = scenario.car()
        self.radio = Radio(self.car, chance, latency_s=None)
        self.meter = Meter(scenario, demo_day(seed), self.car, chance)
        self.connector = Connector(scenario, self.car)
        self._at = second()
        self._day = -1
        # Begun in the middle of a day, the plant stands where the script would have led it.
        time = self._at % DAY_S
        self.car.plugged = PLUG_AT <= time < UNPLUG_AT or time >= REPLUG_AT
        if self.car.plugged:
            # Somebody who tries the app out need not wait for the car to wake by itself.
            self.car.stir(self._at)

    def second(self) -> int:
        """The second of now, with the car as it is then."""
        until = self._second()
        if until - self._at > DAY_S:
            # The machine slept, or its clock was set: nobody lived through those days.
            self._at = until - 1
        while self._at < until:
            self._at += 1
            self._script(self._at)
            self.car.step(self._at)
        return until

    def _script(self, now: int) -> None:
        day, time = divmod(now, DAY_S)
        if day != self._day:
            self._day = day
            self.meter.scenario = replace(self._scenario, meter_outages=_on_day(day, (OUTAGE,)))
            self.radio.out_of_range = _on_day(day, (OUT_OF_RANGE,))
        if time == 0:
            self.car.unplug(now)
        elif time == PLUG_AT:
            self.car.soc = PLUGGED_SOC
            self.car.plug(now, starts=False)
        elif time == UNPLUG_AT:
            self.car.unplug(now)
        elif time == REPLUG_AT:
            self.car.plug(now, starts=True)


def _on_day(day: int, spans: Spans) -> Spans:
    return tuple((day * DAY_S + begin, day * DAY_S + end) for begin, end in spans)
