"""solar_charger on simulated days beside evcc's rule, our first draft and the bound of them all."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from solar_charger.settings import Mode, Settings
from solar_charger.simulator.cells import CONTROLLERS, FIGURES, Job, Outcome, means, run_job
from solar_charger.simulator.day import three_phase
from solar_charger.simulator.run import run_day
from solar_charger.simulator.scenario import fuse_house

from tests.bench import solar_charger_tables, tables
from tests.bench.measured import median
from tests.bench.solar_charger_targets import CELLS, METERS, Cell, missed

SEEDS = range(1001, 1021)
BLIND_CELL: Cell = (75, "broken", 5)
FUSE_SKY = "overcast"
NEVER_FULL = "overcast"
"""The sky under which neither car fills: the large one's days are the small one's."""
CHUNK = 6


@dataclass(frozen=True)
class Timed:
    """A day's outcome and the processor time it took, s."""

    outcome: Outcome
    seconds: float


def timed(job: Job) -> Timed:
    """Run one day here."""
    began = time.process_time()
    outcome = run_job(job)
    return Timed(outcome, time.process_time() - began)


def jobs_of(seeds: range) -> list[Job]:
    """Every controller in every cell; days of one sky and seed beside each other."""
    table = [
        Job(controller, car, sky, meter, seed)
        for seed in seeds
        for car, sky, meter in sorted(CELLS, key=lambda cell: cell[1])
        if (car, sky) != (150, NEVER_FULL)
        for controller in CONTROLLERS
    ]
    car, sky, meter = BLIND_CELL
    return table + [Job("ours", car, sky, meter, seed, has_twc=False) for seed in seeds]


def run_all(jobs: list[Job], processes: int) -> Iterator[Timed]:
    """The days in order, saying how far it has come."""
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done, found in enumerate(pool.imap(timed, jobs, chunksize=CHUNK), start=1):
            if done % max(1, len(jobs) // 50) == 0 or done == len(jobs):
                left = (time.monotonic() - began) / done * (len(jobs) - done)
                print(f"  {done} of {len(jobs)} days, {left:.0f} s to go", flush=True)
            yield found


def fuse_seconds(seeds: range) -> int:
    """The longest time in one go above the main fuse, charging at full current beside ovens."""
    longest = 0
    settings = Settings(emergency_soc=0)
    for seed in seeds:
        day, scenario = three_phase(FUSE_SKY, seed), fuse_house()
        kpis = run_day("ours", day, scenario, seed, settings=settings, mode=Mode.MANUAL)
        longest = max(longest, kpis.longest_fuse_excess_s)
        if kpis.violation_s:
            raise RuntimeError(f"seed {seed}: {kpis.violation_s} s above the car's limit")
    return longest


def figures_of(found: list[Timed]) -> dict[str, dict[str, dict[str, float]]]:
    """Means by cell ("75 clear 5") and controller."""
    cells: dict[str, dict[str, dict[str, float]]] = {}
    for row in means([one.outcome for one in found]):
        name = f"{row['car_kwh']} {row['sky']} {row['meter_s']}"
        kept = {figure: round(float(row[figure]), 4) for figure in FIGURES}
        cells.setdefault(name, {})[row["controller"]] = kept
    for meter in METERS:
        if small := cells.get(f"75 {NEVER_FULL} {meter}"):
            cells[f"150 {NEVER_FULL} {meter}"] = small
    return cells


def conditions(days: int) -> str:
    """What the figures rest on."""
    return (
        f"Means of {days} simulated days (seeds {SEEDS.start} to {SEEDS.stop - 1}, never used for"
        " tuning), 9 kWp, one phase of 240 V, Bluetooth taking 6 s. Cars: 75 kWh from 45 to 90 %,"
        " and 150 kWh from 10 % that never fills. J is money a day, lower is better: 0.30 per kWh"
        " the car took from the grid, less 0.22 per kWh of sun in the car, 0.02 per start, 0.001"
        " per command. `draft` is the first, frozen version of these rules; `bound` is what"
        " somebody could reach who knew the whole day before. Python"
        f" {platform.python_version()}, {platform.machine()}."
    )


def measure(seeds: range, processes: int) -> dict[str, Any]:
    """Run everything; the figures as they are kept."""
    found = list(run_all(jobs_of(seeds), processes))
    with_twc = [one for one in found if one.outcome.job.has_twc]
    blind = figures_of([one for one in found if not one.outcome.job.has_twc])
    cells = figures_of(with_twc)
    ours = [one.seconds for one in found if one.outcome.job.controller == "ours"]
    print("  the main fuse", flush=True)
    return {
        "conditions": conditions(len(seeds)),
        "cells": cells,
        "missed": {
            f"{cell[0]} {cell[1]} {cell[2]}": list(missed(cell, *_both(cells, cell)))
            for cell in CELLS
        },
        "without_connector": next(iter(blind.values()))["ours"],
        "fuse_excess_s": fuse_seconds(seeds),
        "seconds_per_day": round(median(ours), 2),
    }


def _both(
    cells: dict[str, dict[str, dict[str, float]]], cell: Cell
) -> tuple[dict[str, float], dict[str, float]]:
    found = cells[f"{cell[0]} {cell[1]} {cell[2]}"]
    return found["ours"], found["evcc"]


def main() -> None:
    """All days, then the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one day a cell, nothing written")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    seeds = range(1, 2) if arguments.quick else SEEDS
    figures = measure(seeds, arguments.processes)
    found = solar_charger_tables.all_tables(figures)
    print("\n".join(table.markdown() for table in found))
    if arguments.quick:
        return  # one tuning day says nothing worth keeping
    figures["tables"] = [asdict(table) for table in found]
    tables.RESULTS.mkdir(exist_ok=True)
    tables.results_file("solar_charger").write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
