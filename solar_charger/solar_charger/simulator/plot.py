"""A picture of a simulated day; needs the extra `[plot]`, which is not in the image."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import SimulationError
from .cells import Outcome, day_of, scenario_of

STEP_S = 60


def draw(outcomes: list[Outcome], path: Path) -> None:
    """Sun, house and each controller's draw on the first day among the outcomes, as PNG.

    Raises SimulationError without matplotlib, or where the file cannot be written.
    """
    pyplot = _pyplot()
    first = outcomes[0].job
    day = day_of(first)
    hours = [second / 3600.0 for second in range(0, len(day.pv), STEP_S)]
    figure, axes = pyplot.subplots(figsize=(12, 6))
    axes.fill_between(hours, list(day.pv[::STEP_S]), color="gold", alpha=0.5, label="production")
    axes.plot(hours, list(day.load[::STEP_S]), color="gray", linewidth=0.8, label="house")
    for outcome in outcomes:
        job = outcome.job
        if (job.sky, job.seed, job.car_kwh, job.meter_s) == (
            first.sky,
            first.seed,
            first.car_kwh,
            first.meter_s,
        ):
            scenario = scenario_of(job)
            watts = scenario.volts * scenario.phases
            track = [amps * watts for amps in outcome.kpis.amps_track]
            axes.step(hours[: len(track)], track, where="post", label=job.controller)
    axes.set_xlabel("hour")
    axes.set_ylabel("W")
    axes.set_title(f"{first.sky}, seed {first.seed}, {first.car_kwh} kWh, meter {first.meter_s} s")
    axes.legend(loc="upper left")
    try:
        figure.savefig(path, dpi=100)
    except (OSError, ValueError) as error:
        raise SimulationError(f"{path}: cannot be written: {error}") from error
    finally:
        pyplot.close(figure)


def _pyplot() -> Any:
    try:
        matplotlib = import_module("matplotlib")
        matplotlib.use("Agg")
        return import_module("matplotlib.pyplot")
    except ImportError as error:
        raise SimulationError(
            "--plot needs matplotlib: pip install 'solar_charger[plot]'"
        ) from error
