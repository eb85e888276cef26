"""A car whose current nobody measures: fuse, pauses and the first read after a start."""

from __future__ import annotations

from dataclasses import replace

from solar_charger.car.link import Result
from solar_charger.car.link import ResultClass as R
from solar_charger.command import Kind
from solar_charger.control.decision import ControllerState as S
from solar_charger.control.decision import Desired
from solar_charger.executor.counters import HARD_LIMIT
from solar_charger.measurements import CarState, ChargingState
from solar_charger.settings import Mode

from tests.solar_charger.executor_worker import Worker, driving
from tests.solar_charger.household import Household, quiet_settings


def unmeasured(mode: Mode = Mode.MANUAL, **settings: object) -> Household:
    """The car accepted 34 A of a 40 A fuse; its last read is older than that."""
    house = Household(quiet_settings(has_twc=False, **settings))
    house.twc_alive = False
    house.free_w = -480
    house.run(10)
    house.read_car()
    house.run(80)
    house.switch(mode)
    house.link = replace(
        house.link,
        accepted_amps=34,
        accepted_at=house.now,
        start_sent_at=house.now,
        believed_charging=True,
        charging_since=house.now,
    )
    for _ in range(14):
        house.run(5)
        newest = house.controller.own.newest()
        assert newest is not None
        house.amps = newest[2]  # what the meter sees of it
    assert house.amps == 34.0
    return house


def test_a_lowering_for_the_fuse_is_safety_though_nobody_measures_the_current() -> None:
    house = unmeasured(main_fuse_amps=40)
    house.free_w = -480 - 2400
    decision = house.run(10)
    assert decision.observed.amps is None
    assert decision.target_amps == 24
    assert decision.desired.safety


def test_a_current_nobody_knows_any_more_is_lowered_as_safety_too() -> None:
    house = unmeasured(main_fuse_amps=40)
    house.link = replace(house.link, accepted_amps=None)
    house.free_w = -480 - 2400
    assert house.run(10).desired.safety


def test_a_current_within_the_fuse_is_no_matter_of_safety() -> None:
    house = unmeasured(main_fuse_amps=40)
    assert not house.run(10).desired.safety


def test_an_unmeasured_charge_nobody_steers_is_lowered_for_the_fuse_too() -> None:
    house = unmeasured(Mode.SOLAR, main_fuse_amps=40)
    house.controller.session.cancel_stop()
    house.controller.session.external = True
    house.free_w = -480 - 2400
    decision = house.run(10)
    assert decision.state is S.EXTERNAL, decision
    assert decision.desired.amps == 24
    assert decision.desired.safety


def worker_without_connector() -> Worker:
    worker = Worker()
    worker.amps = None
    worker.executor.belief.charging = True
    worker.executor.counters.day = worker.day
    return worker


def test_safety_goes_out_after_the_day_s_last_command_though_the_current_is_unknown() -> None:
    worker = worker_without_connector()
    worker.executor.counters.commands = HARD_LIMIT
    assert driving(worker.run(Desired(charge=True, amps=10, poll=False), 30)) == []
    sent = worker.run(Desired(charge=True, amps=10, poll=False, safety=True), 30)
    assert driving(sent) == ["set_amps 10"]


def test_an_unknown_current_is_lowered_for_the_fuse_within_a_minute_of_a_failure() -> None:
    worker = worker_without_connector()
    worker.answers[Kind.SET_AMPS] = Result(R.CAR_REFUSED)
    worker.run(Desired(charge=True, amps=12, poll=False), 30)
    worker.log.clear()
    worker.run(Desired(charge=True, amps=8, poll=False, safety=True), 70)
    assert driving([command for _, command in worker.log])[:1] == ["set_amps 8"]


def test_a_start_nobody_measures_is_verified_by_a_read_within_half_a_minute() -> None:
    worker = Worker()
    worker.amps = None
    told = CarState(charging_state=ChargingState.CHARGING, charger_actual_current=9.0)
    worker.run(Desired(read=True), 12)
    worker.answers[Kind.READ_CHARGE] = Result(R.OK, data=told)
    worker.run(Desired(charge=True, amps=9), 60)
    started = next(at for at, command in worker.log if command.kind is Kind.START)
    reads = [at for at, command in worker.log if command.kind is Kind.READ_CHARGE and at > started]
    assert reads
    assert reads[0] + worker.latency - started <= 30


def test_a_car_that_is_still_starting_has_not_been_measured_to_draw_nothing() -> None:
    house = Household(quiet_settings(has_twc=False))
    house.twc_alive = False
    house.run(10)
    house.read_car(charging_state=ChargingState.STARTING, charger_actual_current=0.0)
    assert house.run(10).observed.amps is None
    house.read_car(charging_state=ChargingState.STOPPED, charger_actual_current=0.0)
    assert house.run(10).observed.amps == 0.0
