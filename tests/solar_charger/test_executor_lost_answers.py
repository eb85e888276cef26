"""A lost answer: what is measured or read says what came of it before anything is repeated."""

from __future__ import annotations

from typing import Any

import pytest
from solar_charger.car.link import Result
from solar_charger.car.link import ResultClass as R
from solar_charger.command import Command, Kind
from solar_charger.control.decision import Desired
from solar_charger.measurements import CarState, ChargingState

from tests.solar_charger.executor_worker import Worker, driving

LOST = Result(R.UNKNOWN_RESULT)
LOST_KINDS = [R.UNKNOWN_RESULT, R.TIMEOUT]


def read(**fields: Any) -> Result:
    return Result(R.OK, data=CarState(**fields))


def kinds(commands: list[Command]) -> list[str]:
    return [str(command) for command in commands if command.kind is not Kind.READ_BODY]


@pytest.mark.parametrize("lost", LOST_KINDS)
def test_a_current_set_before_the_start_is_looked_up_in_the_car_and_not_sent_twice(
    lost: R,
) -> None:
    worker = Worker()
    worker.answers[Kind.SET_AMPS] = Result(lost)
    worker.answers[Kind.READ_CHARGE] = read(charge_current_request=9)
    sent = kinds(worker.run(Desired(charge=True, amps=9, poll=False), 45))
    assert sent == ["set_amps 9", "read_charge", "start"]


def test_a_current_the_car_never_heard_of_is_sent_again_after_the_read() -> None:
    worker = Worker()
    worker.answers[Kind.SET_AMPS] = LOST
    worker.answers[Kind.READ_CHARGE] = read(charge_current_request=32)
    sent = kinds(worker.run(Desired(charge=True, amps=9, poll=False), 30))
    assert sent[:3] == ["set_amps 9", "read_charge", "set_amps 9"]


def test_a_request_cut_to_the_car_s_own_maximum_counts_as_taken() -> None:
    worker = Worker()
    worker.answers[Kind.SET_AMPS] = LOST
    worker.answers[Kind.READ_CHARGE] = read(
        charge_current_request=32, charge_current_request_max=32
    )
    sent = kinds(worker.run(Desired(charge=True, amps=40, poll=False), 45))
    assert sent == ["set_amps 40", "read_charge", "start"]


def test_with_every_answer_lost_a_sleeping_charge_is_neither_set_twice_nor_started() -> None:
    worker = Worker()
    worker.answers = dict.fromkeys((Kind.SET_AMPS, Kind.START, Kind.READ_CHARGE), LOST)
    sent = kinds(worker.run(Desired(charge=True, amps=9, poll=False), 3600))
    assert sent.count("set_amps 9") == 1
    assert "start" not in sent
    assert 2 <= sent.count("read_charge") <= 30


def test_with_every_answer_lost_a_flowing_current_is_judged_by_the_connector() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.answers = dict.fromkeys((Kind.SET_AMPS, Kind.READ_CHARGE), LOST)
    worker.run(Desired(charge=True, amps=10, poll=False), 6)
    worker.amps = 10.0
    assert kinds(worker.run(Desired(charge=True, amps=10, poll=False), 3600)) == []
    assert worker.executor.facts(worker.now).accepted_amps == 10


def test_a_rise_that_did_not_show_is_looked_up_because_the_car_may_hold_back_by_itself() -> None:
    worker = Worker()
    worker.amps = 10.0
    worker.answers[Kind.SET_AMPS] = LOST
    worker.answers[Kind.READ_CHARGE] = read(charge_current_request=20)
    sent = kinds(worker.run(Desired(charge=True, amps=20, poll=False), 120))
    assert sent == ["set_amps 20", "read_charge"]
    assert worker.executor.facts(worker.now).accepted_amps == 20


def test_a_lowering_that_did_not_show_is_repeated_within_half_a_minute_without_a_read() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.executor.belief.amps = 20
    worker.answers[Kind.SET_AMPS] = LOST
    sent = kinds(worker.run(Desired(charge=True, amps=6, poll=False), 30))
    assert sent == ["set_amps 6", "set_amps 6"]


def test_another_current_goes_out_at_once_for_it_repeats_nothing() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.executor.belief.amps = 20
    worker.answers[Kind.SET_AMPS] = LOST
    worker.run(Desired(charge=True, amps=10, poll=False), 6)
    worker.amps = None
    sent = driving(worker.run(Desired(charge=True, amps=6, poll=False), 10))
    assert sent == ["set_amps 6"]


@pytest.mark.parametrize("lost", LOST_KINDS)
def test_a_start_nobody_measures_is_looked_up_and_not_sent_twice(lost: R) -> None:
    worker = Worker()
    worker.amps = None
    worker.answers[Kind.START] = Result(lost)
    worker.answers[Kind.READ_CHARGE] = read(charging_state=ChargingState.CHARGING)
    sent = kinds(worker.run(Desired(charge=True, amps=9, poll=False), 120))
    assert sent == ["set_amps 9", "start", "read_charge"]


def test_a_start_nobody_measures_and_the_car_denies_is_sent_again() -> None:
    worker = Worker()
    worker.amps = None
    worker.answers[Kind.START] = LOST
    worker.answers[Kind.READ_CHARGE] = read(charging_state=ChargingState.STOPPED)
    sent = kinds(worker.run(Desired(charge=True, amps=9, poll=False), 60))
    assert sent[:4] == ["set_amps 9", "start", "read_charge", "start"]


def test_a_start_is_never_repeated_while_neither_connector_nor_car_tells() -> None:
    worker = Worker()
    worker.amps = None
    worker.answers = {Kind.START: LOST, Kind.READ_CHARGE: LOST}
    sent = kinds(worker.run(Desired(charge=True, amps=9, poll=False), 3600))
    assert sent.count("start") == 1


def test_a_stop_nobody_measures_is_looked_up_first_and_repeated_if_nobody_tells() -> None:
    worker = Worker()
    worker.amps = None
    worker.executor.belief.charging = True
    worker.answers = {Kind.STOP: LOST, Kind.READ_CHARGE: LOST}
    sent = kinds(worker.run(Desired(charge=False, poll=False), 300))
    assert sent[:3] == ["stop", "read_charge", "stop"]
    assert sent.count("stop") >= 3
    worker.answers[Kind.READ_CHARGE] = read(charging_state=ChargingState.STOPPED)
    worker.run(Desired(charge=False, poll=False), 120)
    assert kinds(worker.run(Desired(charge=False, poll=False), 600)) == []


def test_a_charge_limit_whose_answer_was_lost_is_looked_up() -> None:
    worker = Worker()
    worker.answers[Kind.SET_LIMIT] = LOST
    worker.answers[Kind.READ_CHARGE] = read(charge_limit_soc=80)
    sent = kinds(worker.run(Desired(limit=80, poll=False), 120))
    assert sent == ["set_limit 80", "read_charge"]


def test_a_plug_edge_ends_every_doubt() -> None:
    worker = Worker()
    worker.answers = {Kind.SET_AMPS: LOST, Kind.READ_CHARGE: LOST}
    worker.run(Desired(charge=True, amps=9, poll=False), 20)
    worker.answers.clear()
    sent = driving(worker.run(Desired(charge=True, amps=9, poll=False, epoch=1), 60))
    assert sent == ["set_amps 9", "start"]
