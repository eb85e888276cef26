"""`solar_charger simulate`: the comparison, or a recorded day, on the command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from ..errors import SolarChargerError
from .cells import CONTROLLERS, Job, Outcome, means, run_all
from .kpi import Prices
from .sky import SKIES

CARS, METERS = (75, 150), (5, 60)


def parser() -> argparse.ArgumentParser:
    """All flags."""
    made = argparse.ArgumentParser(
        prog="solar_charger simulate",
        description="Run controllers through simulated or recorded days and compare them.",
    )
    add = made.add_argument
    add("--seeds", action="append", type=seeds, help="1001-1020, or 7, or 1,2,3 (may be repeated)")
    add("--car", action="append", type=int, choices=CARS, help="battery in kWh")
    add("--meter", action="append", type=int, choices=METERS, help="meter period in s")
    add("--sky", action="append", choices=SKIES)
    add("--controller", action="append", choices=CONTROLLERS)
    add("--volts", type=positive, default=240.0)
    add("--phases", type=int, choices=(1, 2, 3), default=1)
    add("--grid-price", type=price, default=0.30, help="per kWh")
    add("--feed-in-price", type=price, default=0.08, help="per kWh")
    add("--trace", type=Path, help="CSV t,pv,load: a day of your own in place of sky and seed")
    add("--no-twc", action="store_true", help="the car's own reads in place of a wall connector")
    add("--json", action="store_true", help="one array with an object for each day")
    add("--plot", type=Path, metavar="FILE.png", help="draw the first day (needs the extra [plot])")
    add("--processes", type=int, default=0, help="0: one for each core")
    return made


def seeds(text: str) -> list[int]:
    """`1001-1020`, `7`, `1,2,3`. Raises ArgumentTypeError."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            begin = int(first)
            end = int(last) if dash else begin
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no range of seeds") from None
        if end < begin or end - begin > 100_000:
            raise argparse.ArgumentTypeError(f"{text!r} is no range of seeds")
        found.extend(range(begin, end + 1))
    return found


def positive(text: str) -> float:
    """A number above 0."""
    value = float(text)
    if not 0.0 < value < 1000.0:
        raise argparse.ArgumentTypeError(f"{text} V cannot be")
    return value


def price(text: str) -> float:
    """0…10 per kWh."""
    value = float(text)
    if not 0.0 <= value <= 10.0:
        raise argparse.ArgumentTypeError(f"{text} is no price per kWh (0…10)")
    return value


def jobs_of(args: argparse.Namespace) -> list[Job]:
    """The days to run, one cell after the other."""
    prices = Prices(args.grid_price, args.feed_in_price)
    wanted: list[int | None] = [
        seed for group in args.seeds or [range(1001, 1021)] for seed in group
    ]
    skies: Sequence[str] = args.sky or SKIES
    if args.trace is not None:
        skies, wanted = ["trace"], [None]
    return [
        Job(
            controller,
            car,
            sky,
            meter,
            seed,
            args.volts,
            args.phases,
            prices,
            args.trace,
            not args.no_twc,
        )
        for car in args.car or CARS
        for meter in args.meter or METERS
        for sky in skies
        for seed in wanted
        for controller in args.controller or ("ours", "evcc")
    ]


def main(argv: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """Run and print; returns the exit code (1: a wish that cannot be fulfilled)."""
    args = parser().parse_args(argv)
    out = out if out is not None else sys.stdout
    jobs = jobs_of(args)
    outcomes: list[Outcome] = []
    try:
        for outcome in run_all(jobs, args.processes or os.cpu_count() or 1):
            outcomes.append(outcome)
            _progress(len(outcomes), len(jobs))
        if args.plot is not None:
            from .plot import draw

            draw(outcomes, args.plot)
    except SolarChargerError as error:
        sys.stderr.write(f"solar_charger simulate: {error}\n")
        return 1
    if args.json:
        json.dump([outcome.record() for outcome in outcomes], out, indent=1)
        out.write("\n")
    else:
        out.write(table(means(outcomes)))
    return 0


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done}/{total} days" + ("\n" if done == total else ""))
        sys.stderr.flush()


COLUMNS = (
    ("car", "car_kwh", "{:.0f}"),
    ("meter", "meter_s", "{:.0f} s"),
    ("sky", "sky", "{}"),
    ("controller", "controller", "{}"),
    ("days", "days", "{}"),
    ("import kWh", "import_car_kwh", "{:.2f}"),
    ("sun kWh", "solar_to_car_kwh", "{:.2f}"),
    ("captured %", "captured_pct", "{:.0f}"),
    ("self-use %", "self_consumption_pct", "{:.0f}"),
    ("starts", "starts", "{:.1f}"),
    ("commands", "commands", "{:.0f}"),
    ("above limit s", "violation_s", "{:.1f}"),
    ("J", "score_j", "{:.3f}"),
)


def table(rows: list[dict[str, Any]]) -> str:
    """Means by cell as a table for people (and for DOCS: it is Markdown)."""
    cells = [[title for title, _, _ in COLUMNS]]
    cells += [[form.format(row[key]) for _, key, form in COLUMNS] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS))]
    lines = [
        "| " + " | ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"
