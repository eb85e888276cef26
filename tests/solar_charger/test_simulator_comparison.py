"""The comparison itself: baselines as known, and the command that prints it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from solar_charger.simulator import commandline
from solar_charger.simulator.day import synthetic
from solar_charger.simulator.kpi import Kpis
from solar_charger.simulator.run import run_day
from solar_charger.simulator.scenario import benchmark

SEEDS = (1, 2, 3)


@cache
def mean(controller: str, car: int, sky: str, meter: int, figure: str) -> float:
    """Mean of a figure over the seeds."""
    return sum(float(getattr(k, figure)) for k in days(controller, car, sky, meter)) / len(SEEDS)


@cache
def days(controller: str, car: int, sky: str, meter: int) -> tuple[Kpis, ...]:
    scenario = benchmark(car, meter)
    return tuple(run_day(controller, synthetic(sky, seed), scenario, seed) for seed in SEEDS)


@pytest.mark.parametrize("controller", ["ours", "evcc"])
def test_the_same_seed_gives_the_same_figures(controller: str) -> None:
    day, scenario = synthetic("broken", 4), benchmark(75, 5)
    assert run_day(controller, day, scenario, 4) == run_day(controller, day, scenario, 4)


KNOWN = [
    ("seed406", "clear", 5, 0.70, 55, 395),
    ("seed406", "overcast", 5, 8.23, 83, 134),
    ("seed407", "broken", 5, 5.07, 68, 602),
    ("evcc", "broken", 5, 2.25, 74, 408),
    ("evcc", "clear", 60, 3.15, 52, 723),
    ("evcc", "overcast", 5, 0.85, 64, 311),
    ("prototype", "broken", 5, 1.33, 76, 350),
    ("prototype", "overcast", 60, 0.81, 64, 83),
]


@pytest.mark.parametrize(("controller", "sky", "meter", "imported", "captured", "commands"), KNOWN)
def test_baselines_come_out_as_known(
    controller: str, sky: str, meter: int, imported: float, captured: float, commands: float
) -> None:
    assert mean(controller, 75, sky, meter, "import_car_kwh") == pytest.approx(
        imported, rel=0.35, abs=0.15
    )
    assert mean(controller, 75, sky, meter, "captured_pct") == pytest.approx(captured, abs=8)
    assert mean(controller, 75, sky, meter, "commands") == pytest.approx(commands, rel=0.45)


def run_command(*argv: str) -> str:
    out = io.StringIO()
    assert commandline.main(["--processes", "1", *argv], out) == 0
    return out.getvalue()


SHORT = ("--car", "75", "--meter", "60", "--sky", "clear", "--controller", "evcc")


def test_json_is_one_array_with_the_promised_fields() -> None:
    rows = json.loads(run_command("--seeds", "7-8", *SHORT, "--json"))
    assert [row["seed"] for row in rows] == [7, 8]
    assert set(rows[0]) == {
        "controller",
        "car_kwh",
        "sky",
        "meter_s",
        "seed",
        "import_car_kwh",
        "solar_to_car_kwh",
        "captured_pct",
        "starts",
        "stops",
        "commands",
        "violation_s",
        "score_j",
    }


def test_prices_change_the_score_and_nothing_else() -> None:
    cheap = json.loads(run_command("--seeds", "7", *SHORT, "--json", "--grid-price", "0.1"))[0]
    usual = json.loads(run_command("--seeds", "7", *SHORT, "--json"))[0]
    assert cheap.pop("score_j") > usual.pop("score_j")
    assert cheap == usual


def test_a_recorded_day_takes_the_place_of_sky_and_seed(tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    file.write_text("t,pv,load\n0,0,300\n30000,5000,400\n60000,0,300\n")
    argv = ("--trace", str(file), "--car", "75", "--meter", "60", "--controller", "ours", "--json")
    (row,) = json.loads(run_command(*argv))
    assert row["sky"] == "trace"
    assert row["seed"] is None
    assert row["starts"] == 1
    assert row["captured_pct"] > 90


def test_the_table_has_a_row_for_each_cell() -> None:
    text = run_command("--seeds", "7", *SHORT)
    assert len(text.splitlines()) == 3
    assert "evcc" in text


def test_a_broken_file_and_a_missing_plot_library_are_said_plainly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commandline.main(["--trace", str(tmp_path / "none.csv"), "--processes", "1"]) == 1
    assert "none.csv" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--seeds", "x"], ["--grid-price", "-1"], ["--sky", "blue"]])
def test_a_bad_flag_is_a_usage_error(argv: list[str]) -> None:
    with pytest.raises(SystemExit):
        commandline.main(argv)


def test_it_runs_as_a_module_with_several_processes() -> None:
    argv = ["--seeds", "7,8", *SHORT, "--json", "--processes", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "solar_charger.simulator", *argv],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [row["seed"] for row in json.loads(done.stdout)] == [7, 8]
