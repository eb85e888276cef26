"""Days, plant and sums of the simulator: the same seed the same day, energies by hand."""

from __future__ import annotations

from array import array
from pathlib import Path
from random import Random

import pytest
from solar_charger.car.link import ResultClass as R
from solar_charger.command import Command, Kind
from solar_charger.errors import TraceError
from solar_charger.simulator.car import Car
from solar_charger.simulator.clairvoyant import bound
from solar_charger.simulator.day import DAY_S, Day, day_of, recorded, synthetic
from solar_charger.simulator.kpi import Prices, Tally, captured_pct, score, self_consumption_pct
from solar_charger.simulator.radio import Radio
from solar_charger.simulator.scenario import Scenario, benchmark
from solar_charger.simulator.sky import SKIES, production


@pytest.mark.parametrize("sky", SKIES)
def test_the_same_seed_is_the_same_day_and_another_seed_another(sky: str) -> None:
    first, again = production(sky, Random(5)), production(sky, Random(5))
    assert first == again
    assert sky == "clear" or first != production(sky, Random(6))
    assert max(first) <= 9000 * 1.05 + 1
    assert sum(first[: 6 * 3600]) == 0
    assert sum(first[20 * 3600 :]) == 0


def test_the_household_of_a_seed_is_the_same_under_every_sky() -> None:
    assert synthetic("clear", 3).load == synthetic("overcast", 3).load
    assert min(synthetic("clear", 3).load) > 0


def test_a_clear_day_yields_what_its_curve_says() -> None:
    day = synthetic("clear", 1)
    assert 70_000 < day.pv_wh < 75_000
    assert day.surplus_wh < day.pv_wh


def flat(pv: float, load: float) -> Day:
    return day_of("flat", None, array("d", [pv]) * DAY_S, array("d", [load]) * DAY_S)


def test_the_sums_of_a_small_day_by_hand() -> None:
    day = flat(3000, 1000)
    assert day.surplus_wh == pytest.approx(48_000)
    tally = Tally()
    for base, own in [(-2000.0, 1500.0), (-2000.0, 3000.0), (500.0, 1000.0)]:
        for _ in range(3600):
            tally.second(base, own)
    assert tally.solar_car_ws / 3.6e6 == pytest.approx(3.5)
    assert tally.import_car_ws / 3.6e6 == pytest.approx(2.0)
    assert tally.car_ws / 3.6e6 == pytest.approx(5.5)
    assert captured_pct(3.5, day) == pytest.approx(100 * 3.5 / 48)
    assert self_consumption_pct(3.5, day) == pytest.approx(100 * (24 + 3.5) / 72)
    assert score(2.0, 3.5, 2, 10, Prices()) == pytest.approx(0.6 - 0.77 + 0.04 + 0.01)


def test_the_bound_of_a_flat_day_is_the_obvious_one() -> None:
    scenario = Scenario(capacity_kwh=1000, soc=10, limit=100)
    found = bound(flat(1000 + 2400, 1000), scenario, Prices())
    assert found.solar_to_car_kwh == pytest.approx(57.6)
    assert found.import_car_kwh == 0
    assert found.score_j == pytest.approx(-0.22 * 57.6 + 0.02 + 0.002, abs=0.002)


def test_the_bound_keeps_to_what_a_small_car_takes() -> None:
    scenario = benchmark(75, 5)
    found = bound(synthetic("clear", 1), scenario, Prices())
    assert found.car_kwh_charged <= 36.7 + 0.1
    assert -8.1 < found.score_j < -7.9


def test_a_recorded_day_holds_each_value_until_the_next_line(tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    file.write_text("t,pv,load\n0,0,300\n43200,5000,400\n50000,0,300\n")
    day = recorded(file)
    assert day.pv[43_199] == 0
    assert day.pv[43_200] == 5000
    assert day.load[49_999] == 400
    assert day.surplus_wh == pytest.approx(4600 * 6800 / 3600)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n1,2\n",
        "t,pv,load\n",
        "t,pv,load\n0,x,1\n",
        "t,pv,load\n5,1,1\n5,1,1\n",
        "t,pv,load\n90000,1,1\n",
        "t,pv,load\n0,nan,1\n",
        "t,pv,load\n0,1\n",
    ],
)
def test_a_file_that_is_no_recorded_day_is_refused_with_a_reason(tmp_path: Path, text: str) -> None:
    file = tmp_path / "day.csv"
    file.write_text(text)
    with pytest.raises(TraceError):
        recorded(file)


def test_the_car_ramps_tapers_completes_and_sleeps() -> None:
    car = Car(capacity_kwh=10, soc=80, limit=90)
    assert car.start(0) == ""
    track = []
    for second in range(20):
        car.step(second)
        track.append(car.amps)
    assert track[7] == 0
    assert track[8] == 2
    assert track[10] == 6
    for second in range(20, 3000):
        car.step(second)
    assert car.complete
    assert car.amps == 0
    assert car.start(3000) == "complete"
    for second in range(3000, 4000):
        car.step(second)
    assert car.asleep


def test_the_battery_takes_92_percent_of_what_the_cable_brings() -> None:
    car = Car(capacity_kwh=100, soc=50)
    car.start(0)
    for second in range(3600):
        car.step(second)
    assert (car.soc - 50) * 1000 == pytest.approx(car.added_wh * 0.92, rel=1e-6)


def test_a_lost_answer_was_carried_out_all_the_same() -> None:
    car = Car()
    radio = Radio(car, Random(1), lost_answer=1.0)
    radio.send(Command(Kind.SET_AMPS, 7), 0)
    ended = radio.finish(6)
    assert ended is not None
    assert ended[1].result_class is R.UNKNOWN_RESULT
    assert car.request == 7
    assert radio.heard == 1


def test_a_sleeping_car_hears_only_wake_and_body() -> None:
    car = Car(asleep=True)
    radio = Radio(car, Random(1))
    radio.send(Command(Kind.START), 0)
    ended = radio.finish(6)
    assert ended is not None
    assert ended[1].result_class is R.ASLEEP
    radio.send(Command(Kind.WAKE), 10)
    assert radio.finish(15) is None
    assert radio.finish(22) is not None
    assert not car.asleep
