"""The table of the comparison: which days to run, in how many processes, and the means of them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import clairvoyant
from .day import Day, recorded, synthetic
from .kpi import Kpis, Prices
from .run import BASELINES, run_day
from .scenario import Scenario, benchmark

CONTROLLERS = (*BASELINES, "ours", "clairvoyant")


@dataclass(frozen=True, slots=True)
class Job:
    """One day of one controller."""

    controller: str
    car_kwh: int
    sky: str
    meter_s: int
    seed: int | None
    volts: float = 240.0
    phases: int = 1
    prices: Prices = field(default_factory=Prices)
    trace: Path | None = None
    has_twc: bool = True

    @property
    def cell(self) -> tuple[str, int, str, int]:
        """What a mean is taken over."""
        return self.controller, self.car_kwh, self.sky, self.meter_s


@dataclass(frozen=True, slots=True)
class Outcome:
    """A job and its result."""

    job: Job
    kpis: Kpis

    def record(self) -> dict[str, Any]:
        """One object of the JSON answer."""
        job, kpis = self.job, self.kpis
        return {
            "controller": job.controller,
            "car_kwh": job.car_kwh,
            "sky": job.sky,
            "meter_s": job.meter_s,
            "seed": job.seed,
            "import_car_kwh": round(kpis.import_car_kwh, 4),
            "solar_to_car_kwh": round(kpis.solar_to_car_kwh, 4),
            "captured_pct": round(kpis.captured_pct, 2),
            "starts": kpis.starts,
            "stops": kpis.stops,
            "commands": kpis.commands,
            "violation_s": kpis.violation_s,
            "score_j": round(kpis.score_j, 4),
        }


def scenario_of(job: Job) -> Scenario:
    """The plant of a job."""
    scenario = benchmark(job.car_kwh, job.meter_s, job.volts, job.phases)
    return replace(scenario, has_twc=job.has_twc)


def day_of(job: Job) -> Day:
    """Its sun and loads."""
    if job.trace is not None:
        return recorded(job.trace)
    return synthetic(job.sky, job.seed or 0)


def run_job(job: Job) -> Outcome:
    """Run one job here."""
    day, scenario = day_of(job), scenario_of(job)
    if job.controller == "clairvoyant":
        return Outcome(job, clairvoyant.bound(day, scenario, job.prices))
    kpis = run_day(job.controller, day, scenario, job.seed or 0, job.prices)
    return Outcome(job, kpis)


def run_all(jobs: list[Job], processes: int) -> Iterator[Outcome]:
    """Run the jobs in their order; the answers do not depend on the number of processes."""
    if processes <= 1 or len(jobs) < 2:
        yield from map(run_job, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(run_job, jobs, chunksize=max(1, min(8, len(jobs) // processes)))


def means(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """One row for each cell, in the order of their first appearance."""
    cells: dict[tuple[str, int, str, int], list[Kpis]] = {}
    for outcome in outcomes:
        cells.setdefault(outcome.job.cell, []).append(outcome.kpis)
    rows = []
    for (controller, car_kwh, sky, meter_s), found in cells.items():
        row: dict[str, Any] = {
            "car_kwh": car_kwh,
            "sky": sky,
            "meter_s": meter_s,
            "controller": controller,
            "days": len(found),
        }
        for name in FIGURES:
            row[name] = sum(float(getattr(kpis, name)) for kpis in found) / len(found)
        rows.append(row)
    return rows


FIGURES = (
    "import_car_kwh",
    "solar_to_car_kwh",
    "captured_pct",
    "self_consumption_pct",
    "starts",
    "stops",
    "commands",
    "violation_s",
    "score_j",
)
