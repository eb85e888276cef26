"""What the house draws without the car: base, fridge and the household's machines, W by second."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from random import Random

from .sky import DAY_S

BASE_W, BASE_NOISE_W = 350.0, 25.0


@dataclass(frozen=True, slots=True)
class Run:
    """A machine's run: seconds, watts, and the phase it hangs on (0…2)."""

    start: int
    seconds: int
    watts: float
    phase: int
    duty: tuple[int, int] = (1, 0)
    """Seconds on, seconds off."""


def runs(rng: Random) -> list[Run]:
    """The machines of one day at random times."""
    made = [_fridge(hour, rng) for hour in range(24)]
    for _ in range(5):
        made.append(Run(rng.randrange(6 * 3600, 22 * 3600), 180, 2000.0, rng.randrange(3)))
    for hour in (11.5, 17.5):
        start = round((hour + rng.uniform(-1.0, 1.0)) * 3600)
        lasts = rng.randrange(45 * 60, 60 * 60)
        made.append(Run(start, lasts, 2300.0, rng.randrange(3), duty=(120, 60)))
    made.append(Run(rng.randrange(8 * 3600, 18 * 3600), 900, 1900.0, rng.randrange(3)))
    made.append(Run(rng.randrange(12 * 3600, 21 * 3600), 1200, 2000.0, rng.randrange(3)))
    return made


def _fridge(hour: int, rng: Random) -> Run:
    return Run(hour * 3600 + rng.randrange(0, 2400), 1200, 120.0, 0)


def consumption(rng: Random) -> array[float]:
    """86,400 values in W, all phases together."""
    values = base(rng)
    for run in runs(rng):
        _lay(values, run)
    return values


def base(rng: Random) -> array[float]:
    """The base load with its noise, new each 10 s."""
    values = array("d", bytes(8 * DAY_S))
    for second in range(0, DAY_S, 10):
        level = max(50.0, BASE_W + rng.gauss(0.0, BASE_NOISE_W))
        values[second : second + 10] = array("d", [level]) * 10
    return values


def by_phase(rng: Random) -> tuple[array[float], array[float], array[float]]:
    """The same house, each machine on its own phase and the base spread evenly."""
    common = base(rng)
    third = array("d", [watts / 3.0 for watts in common])
    phases = (third[:], third[:], third[:])
    for run in runs(rng):
        _lay(phases[run.phase], run)
    return phases


def _lay(values: array[float], run: Run) -> None:
    on, off = run.duty
    for second in range(run.start, min(DAY_S, run.start + run.seconds)):
        if (second - run.start) % (on + off) < on:
            values[second] += run.watts
