"""A day's sun and loads: made from a seed, or read from a file the user recorded."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from ..errors import TraceError
from . import house, sky

DAY_S = sky.DAY_S


@dataclass(frozen=True, slots=True)
class Day:
    """86,400 seconds in W, and the sums every controller is measured against, in Wh."""

    name: str
    seed: int | None
    pv: array[float]
    load: array[float]
    surplus_wh: float
    pv_wh: float
    phases: tuple[array[float], array[float], array[float]] | None = None
    """Loads by phase, where a scenario asks for them."""


def day_of(
    name: str,
    seed: int | None,
    pv: array[float],
    load: array[float],
    phases: tuple[array[float], array[float], array[float]] | None = None,
) -> Day:
    """A day with its sums."""
    surplus = 0.0
    for made, drawn in zip(pv, load, strict=True):
        if made > drawn:
            surplus += made - drawn
    return Day(name, seed, pv, load, surplus / 3600, sum(pv) / 3600, phases)


@lru_cache(maxsize=4)
def synthetic(name: str, seed: int) -> Day:
    """The day of a sky and a seed; the household of a seed is the same under every sky."""
    pv = sky.production(name, Random(f"sky {name} {seed}"))
    return day_of(name, seed, pv, house.consumption(Random(f"house {seed}")))


def three_phase(name: str, seed: int) -> Day:
    """As `synthetic`, every machine on a phase of its own."""
    phases = house.by_phase(Random(f"house {seed}"))
    pv = sky.production(name, Random(f"sky {name} {seed}"))
    load = array("d", [a + b + c for a, b, c in zip(*phases, strict=True)])
    return day_of(name, seed, pv, load, phases)


def recorded(path: Path) -> Day:
    """A user's day: CSV with the header `t,pv,load`, seconds from midnight and W, any step.

    Each value holds until the next line's time. Raises TraceError saying which line is wrong.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            points = list(_points(csv.DictReader(file)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TraceError(f"{path}: cannot be read: {error}") from error
    if not points:
        raise TraceError(f"{path}: no lines below the header t,pv,load")
    pv, load = (array("d", bytes(8 * DAY_S)) for _ in range(2))
    ends = [at for at, _, _ in points[1:]] + [DAY_S]
    for (begin, made, drawn), end in zip(points, ends, strict=True):
        if end <= begin:
            raise TraceError(f"{path}: times must grow, {end} follows {begin}")
        pv[begin:end] = array("d", [made]) * (end - begin)
        load[begin:end] = array("d", [drawn]) * (end - begin)
    return day_of("trace", None, pv, load)


def _points(rows: csv.DictReader[str]) -> Iterable[tuple[int, float, float]]:
    if rows.fieldnames is None or not {"t", "pv", "load"} <= set(rows.fieldnames):
        raise TraceError("the first line must be: t,pv,load")
    for row in rows:
        try:
            at, made, drawn = (float(row[name]) for name in ("t", "pv", "load"))
        except (TypeError, ValueError) as error:
            raise TraceError(f"line {rows.line_num}: {error}") from error
        if not all(math.isfinite(value) for value in (at, made, drawn)) or not 0 <= at < DAY_S:
            raise TraceError(f"line {rows.line_num}: t must lie in 0…{DAY_S - 1}, all be numbers")
        yield int(at), made, drawn
