"""A lower bound of J: dynamic programming over minutes by somebody who knows the whole day.

No latency, no minimum times. The energy a small car takes enters as a multiplier: for every
price on energy the relaxed optimum is a lower bound, the best price gives the best bound.
"""

from __future__ import annotations

from dataclasses import dataclass

from .car import EFFICIENCY
from .day import DAY_S, Day
from .kpi import COMMAND_COST, START_COST, Kpis, Prices, captured_pct, self_consumption_pct
from .scenario import Scenario

STEP_S = 60
LEAST_A = 5
ROUNDS = 12
START_STEP_COST = START_COST + 2 * COMMAND_COST


@dataclass(frozen=True, slots=True)
class Minutes:
    """Per minute and level: import and sun of the car, kWh; `level_kwh` is their sum."""

    levels: tuple[int, ...]
    imported: list[list[float]]
    solar: list[list[float]]
    level_kwh: list[float]


def minutes_of(day: Day, scenario: Scenario) -> Minutes:
    """Integrate each minute exactly, second by second, for each current."""
    levels = tuple(range(LEAST_A, int(scenario.amps_limit) + 1))
    watts = [level * scenario.volts * scenario.phases for level in levels]
    imported: list[list[float]] = []
    solar: list[list[float]] = []
    for begin in range(0, DAY_S, STEP_S):
        free = sorted(day.pv[second] - day.load[second] for second in range(begin, begin + STEP_S))
        sun = _sun_by_level(free, watts)
        solar.append(sun)
        whole = [power * STEP_S / 3.6e6 for power in watts]
        imported.append([total - part for total, part in zip(whole, sun, strict=True)])
    return Minutes(levels, imported, solar, [power * STEP_S / 3.6e6 for power in watts])


def _sun_by_level(free: list[float], watts: list[float]) -> list[float]:
    """kWh of sun at each power, from the minute's surplus in ascending order."""
    result: list[float] = []
    below, index, count = 0.0, 0, len(free)
    for power in watts:
        while index < count and free[index] < power:
            below += max(0.0, free[index])
            index += 1
        result.append((below + power * (count - index)) / 3.6e6)
    return result


@dataclass(frozen=True, slots=True)
class Course:
    """A solved day: one level's index a minute, -1 for off."""

    cost: float
    choice: list[int]


def solve(minutes: Minutes, prices: Prices, energy_price: float) -> Course:
    """The cheapest day at this extra price per kWh into the car."""
    count = len(minutes.levels)
    cost_off, cost_on = 0.0, [float("inf")] * count
    came_on: list[list[int]] = []
    came_off: list[int] = []
    gain = prices.grid - prices.feed_in
    surcharge = [kwh * energy_price for kwh in minutes.level_kwh]
    for drawn, sun in zip(minutes.imported, minutes.solar, strict=True):
        best = min(cost_on)
        best_at = cost_on.index(best)
        change, begin = best + COMMAND_COST, cost_off + START_STEP_COST
        enter, source = (begin, -1) if begin < change else (change, best_at)
        came_off.append(best_at if change < cost_off else -1)
        cost_off = min(cost_off, change)
        origins: list[int] = []
        following: list[float] = []
        for index, stay in enumerate(cost_on):
            if stay <= enter:
                base, origin = stay, index
            else:
                base, origin = enter, source
            origins.append(origin)
            following.append(
                base + prices.grid * drawn[index] - gain * sun[index] + surcharge[index]
            )
        came_on.append(origins)
        cost_on = following
    last = min(cost_on) + COMMAND_COST
    ends_on = last < cost_off
    at = cost_on.index(min(cost_on)) if ends_on else -1
    return Course(min(cost_off, last), _trace(at, came_on, came_off))


def _trace(at: int, came_on: list[list[int]], came_off: list[int]) -> list[int]:
    choice: list[int] = []
    for origins, off_origin in zip(reversed(came_on), reversed(came_off), strict=True):
        choice.append(at)
        at = origins[at] if at >= 0 else off_origin
    choice.reverse()
    return choice


def bound(day: Day, scenario: Scenario, prices: Prices) -> Kpis:
    """The best lower bound found, with the figures of its relaxed day."""
    minutes = minutes_of(day, scenario)
    room = scenario.capacity_kwh * (scenario.limit - scenario.soc) / 100.0 / EFFICIENCY
    course = solve(minutes, prices, 0.0)
    if _energy(minutes, course) <= room:
        return _kpis(day, minutes, course, course.cost)
    value, shown = _limited(minutes, prices, room)
    return _kpis(day, minutes, shown, value)


def _limited(minutes: Minutes, prices: Prices, room: float) -> tuple[float, Course]:
    """(best bound, a day that keeps to the energy): halve the interval of energy prices."""
    low, high = 0.0, prices.grid + prices.feed_in + 1.0
    shown = solve(minutes, prices, high)
    value = shown.cost - high * room
    for _ in range(ROUNDS):
        middle = (low + high) / 2.0
        course = solve(minutes, prices, middle)
        value = max(value, course.cost - middle * room)
        if _energy(minutes, course) > room:
            low = middle
        else:
            high, shown = middle, course
    return value, shown


def _energy(minutes: Minutes, course: Course) -> float:
    return sum(minutes.level_kwh[index] for index in course.choice if index >= 0)


def _kpis(day: Day, minutes: Minutes, course: Course, value: float) -> Kpis:
    imported = solar = 0.0
    starts = stops = commands = 0
    before = -1
    for minute, index in enumerate(course.choice):
        if index >= 0:
            imported += minutes.imported[minute][index]
            solar += minutes.solar[minute][index]
        if index != before:
            starts += before < 0
            stops += index < 0
            commands += 2 if before < 0 else 1
        before = index
    track = tuple(float(minutes.levels[i]) if i >= 0 else 0.0 for i in course.choice)
    return Kpis(
        controller="clairvoyant",
        import_car_kwh=imported,
        solar_to_car_kwh=solar,
        car_kwh_charged=imported + solar,
        captured_pct=captured_pct(solar, day),
        self_consumption_pct=self_consumption_pct(solar, day),
        starts=starts,
        stops=stops,
        commands=commands,
        kinds={},
        violation_s=0.0,
        stale_control_s=0.0,
        soc_end=0.0,
        cost=0.0,
        score_j=value,
        amps_track=track,
    )
