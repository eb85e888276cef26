"""What the sun gives: a clear day's curve times what the clouds let through, in W by second."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from random import Random

DAY_S = 86_400
SUNRISE_S, SUNSET_S = 6 * 3600, 20 * 3600
PEAK_W = 9000.0
SKIES = ("clear", "broken", "fronts", "overcast")
EDGE_S = 20.0


def production(sky: str, rng: Random, peak_w: float = PEAK_W) -> array[float]:
    """86,400 values in W. Raises KeyError for a sky that does not exist."""
    through = TRANSMITTANCE[sky](rng)
    made = array("d", bytes(8 * DAY_S))
    span = SUNSET_S - SUNRISE_S
    for second in range(SUNRISE_S, SUNSET_S):
        height = math.sin(math.pi * (second - SUNRISE_S) / span)
        made[second] = peak_w * max(0.0, height) ** 1.3 * through[second]
    return made


def clear(rng: Random) -> array[float]:
    """Nothing in the way."""
    return array("d", [1.0]) * DAY_S


def broken(rng: Random) -> array[float]:
    """Two states by turns: clouds of 150 s, sun of 240 s on average, edges of 20 s."""
    return _smoothed(
        _pieces(
            rng,
            lambda: (rng.expovariate(1 / 150.0), rng.uniform(0.2, 0.5)),
            lambda: (rng.expovariate(1 / 240.0), rng.uniform(0.95, 1.05)),
        )
    )


def fronts(rng: Random) -> array[float]:
    """Long clouds, long sun."""
    return _smoothed(
        _pieces(
            rng,
            lambda: (rng.uniform(900.0, 3600.0), rng.uniform(0.1, 0.3)),
            lambda: (rng.uniform(1800.0, 5400.0), 1.0),
        )
    )


def overcast(rng: Random) -> array[float]:
    """Wanders around 0.28 within 0.08…0.6, with a memory of ten minutes."""
    values = array("d", bytes(8 * DAY_S))
    level, step, memory, spread = 0.28, 5, 600.0, 0.10
    shock = spread * math.sqrt(2.0 * step / memory)
    for second in range(0, DAY_S, step):
        level += (0.28 - level) * step / memory + rng.gauss(0.0, shock)
        level = min(0.6, max(0.08, level))
        for inside in range(second, second + step):
            values[inside] = level
    return values


TRANSMITTANCE: dict[str, Callable[[Random], array[float]]] = {
    "clear": clear,
    "broken": broken,
    "fronts": fronts,
    "overcast": overcast,
}


def _pieces(
    rng: Random,
    cloud: Callable[[], tuple[float, float]],
    sun: Callable[[], tuple[float, float]],
) -> array[float]:
    values = array("d", bytes(8 * DAY_S))
    second = 0
    cloudy = rng.random() < 0.4
    while second < DAY_S:
        lasts, level = cloud() if cloudy else sun()
        end = min(DAY_S, second + max(1, round(lasts)))
        values[second:end] = array("d", [level]) * (end - second)
        second, cloudy = end, not cloudy
    return values


def _smoothed(values: array[float]) -> array[float]:
    """First-order edges: three time constants make the 20 s a cloud's rim takes."""
    part = 1.0 - math.exp(-3.0 / EDGE_S)
    level = values[0]
    for second, wanted in enumerate(values):
        level += (wanted - level) * part
        values[second] = level
    return values
