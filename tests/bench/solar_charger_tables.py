"""The figures of the simulated days as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.bench.solar_charger_targets import (
    CELLS,
    DAY_SECONDS,
    FUSE_EXCESS_S,
    KNOWN_MISSES,
    SOFT_LIMIT,
    TO_BEAT,
    Cell,
)
from tests.bench.tables import Table


def all_tables(figures: Mapping[str, Any]) -> list[Table]:
    """Scores, then what they are made of, then the targets that are no cell's."""
    return [scores(figures), energies(figures), others(figures), *misses(figures)]


def _name(cell: Cell) -> str:
    return f"{cell[0]} {cell[1]} {cell[2]}"


def _head(cell: Cell) -> list[str]:
    return [f"{cell[0]} kWh", f"{cell[2]} s", cell[1]]


def scores(figures: Mapping[str, Any]) -> Table:
    """J by cell and controller."""
    order = ("ours", "prototype", "evcc", "seed406", "seed407", "clairvoyant")
    rows = [
        [*_head(cell), *(f"{figures['cells'][_name(cell)][who]['score_j']:.3f}" for who in order)]
        for cell in CELLS
    ]
    columns = ["car", "meter", "sky", "J ours", "J draft", "J evcc", "J 4.0.6", "J 4.0.7"]
    return Table("Money a day (J)", [*columns, "J bound"], rows)


def energies(figures: Mapping[str, Any]) -> Table:
    """Ours beside evcc's rule: import, capture, starts, commands."""
    parts = (
        ("import_car_kwh", "{:.2f}"),
        ("captured_pct", "{:.0f}"),
        ("starts", "{:.1f}"),
        ("commands", "{:.0f}"),
    )
    rows = []
    for cell in CELLS:
        found = figures["cells"][_name(cell)]
        pairs = [
            " / ".join(form.format(found[who][part]) for who in ("ours", "evcc"))
            for part, form in parts
        ]
        rows.append([*_head(cell), *pairs])
    columns = ["car", "meter", "sky", "from the grid, kWh", "sun captured, %", "starts", "commands"]
    return Table("Ours / evcc's rule", columns, rows)


def others(figures: Mapping[str, Any]) -> Table:
    """The targets that hold over all cells, and the two days of their own."""
    cells = figures["cells"]
    beaten = [c for c in CELLS if _j(cells, c, "ours") < _j(cells, c, "prototype")]
    lost = ", ".join(" ".join(_head(cell)) for cell in CELLS if cell not in beaten)
    above = max(found["ours"]["violation_s"] for found in cells.values())
    blind = figures["without_connector"]
    rows = [
        _row(f"cells with a J below the draft's{f' (not: {lost})' if lost else ''}",
             f"{len(beaten)} of {len(CELLS)}", f"≥ {TO_BEAT}", len(beaten) >= TO_BEAT),
        _row("time above the current limit, all days", f"{above:.1f} s", "0 s", above == 0),
        _row("no wall connector (75 kWh, 5 s, broken): commands a day",
             f"{blind['commands']:.0f}", f"< {SOFT_LIMIT}", blind["commands"] < SOFT_LIMIT),
        _row("the same: kWh from the grid, sun captured, J",
             f"{blind['import_car_kwh']:.2f}, {blind['captured_pct']:.0f} %,"
             f" {blind['score_j']:.3f}", "–", None),
        _row("three phases, main fuse of 25 A, ovens: longest time above it",
             f"{figures['fuse_excess_s']} s", f"≤ {FUSE_EXCESS_S} s",
             figures["fuse_excess_s"] <= FUSE_EXCESS_S),
        _row("processor time of a simulated day", f"{figures['seconds_per_day']:.1f} s",
             f"≤ {DAY_SECONDS:.0f} s", figures["seconds_per_day"] <= DAY_SECONDS),
    ]  # fmt: skip
    return Table("Everything else", ["figure", "ours", "target", "met"], rows)


def _j(cells: Mapping[str, Any], cell: Cell, who: str) -> float:
    return float(cells[_name(cell)][who]["score_j"])


def _row(figure: str, ours: str, target: str, met: bool | None) -> list[str]:
    return [figure, ours, target, "–" if met is None else "yes" if met else "no"]


def misses(figures: Mapping[str, Any]) -> list[Table]:
    """Targets beside evcc's rule that are missed, by cell; no table where there is none."""
    rows = [
        [*_head(cell), "; ".join(found), KNOWN_MISSES.get(cell, ("", "–"))[1]]
        for cell in CELLS
        if (found := figures["missed"][_name(cell)])
    ]
    if not rows:
        return []
    return [Table("Missed beside evcc's rule", ["car", "meter", "sky", "what", "tried"], rows)]
