"""Stops that a residue of current, or nobody's measuring, must not leave open."""

from __future__ import annotations

from dataclasses import replace

from solar_charger.control.decision import ControllerState as S
from solar_charger.control.decision import Desired
from solar_charger.measurements import ChargingState

from tests.solar_charger.executor_worker import Worker, driving
from tests.solar_charger.household import Household, charging, quiet_settings


def residual(amps: float) -> Household:
    """The sun went, the stop was sent, and this much still flows."""
    house = charging(4900)
    house.free_w = -2000
    while house.run(10).desired.charge is not False:
        if house.decision is not None:
            house.obey(house.decision)
    house.amps = amps
    house.link = replace(house.link, stop_sent_at=house.now, believed_charging=False)
    return house


def test_a_residue_after_a_stop_is_settled_by_the_car_s_own_word() -> None:
    house = residual(0.7)
    decision = house.run(60)
    assert decision.state is S.STOPPING
    assert decision.desired.read
    house.read_car(charging_state=ChargingState.STOPPED, charger_actual_current=1.0)
    decision = house.run(20)
    assert decision.state is S.PAUSED
    house.free_w = 4900
    assert house.run(900).desired.charge is True


def test_a_car_that_says_stopped_while_it_draws_has_not_stopped() -> None:
    house = residual(9.0)
    house.read_car(charging_state=ChargingState.CHARGING, charger_actual_current=9.0)
    assert house.run(60).state is S.STOPPING


def test_a_word_from_before_the_stop_confirms_nothing() -> None:
    house = residual(0.7)
    house.read_car(charging_state=ChargingState.STOPPED)
    house.link = replace(house.link, stop_sent_at=house.now + 1)
    assert house.run(30).state is S.STOPPING


def test_a_stop_is_repeated_for_a_residue_above_half_an_ampere() -> None:
    worker = Worker()
    worker.amps = 0.8
    sent = worker.run(Desired(charge=False, poll=False), 95)
    assert driving(sent) == ["stop"] * 4
    worker.amps = 0.4
    assert driving(worker.run(Desired(charge=False, poll=False), 60)) == []


def test_without_a_connector_a_pause_asks_the_car_and_raises_no_alarm() -> None:
    house = Household(quiet_settings(has_twc=False))
    house.twc_alive = False
    house.free_w = 4900
    house.run(10)
    house.read_car()
    house.run(60)
    house.read_car(charging_state=ChargingState.CHARGING, charger_actual_current=20.0)
    house.controller.session.adopt()
    house.free_w = -2000
    while not house.run(10).state.value.startswith("stopping"):
        house.read_car(charging_state=ChargingState.CHARGING, charger_actual_current=5.0)
    house.link = replace(house.link, stop_sent_at=house.now, believed_charging=False)
    decision = house.run(20)
    assert decision.desired.read
    house.read_car(charging_state=ChargingState.STOPPED, charger_actual_current=0.0)
    decision = house.run(20)
    assert decision.state is S.PAUSED
    assert not decision.desired.read
    assert "stop_not_confirmed" not in decision.alarms


def test_a_warm_cabin_at_plug_in_keeps_no_charge_from_being_stopped_in_time() -> None:
    house = Household()
    house.free_w = -400
    house.plugged = False
    house.run(20)
    house.plugged, house.amps = True, 48.0
    house.run(10)
    house.read_car(charging_state=ChargingState.CHARGING, charger_actual_current=48.0)
    assert house.run(30).desired.charge is False


def test_a_stop_by_hand_that_leaves_a_residue_is_not_sent_for_ever() -> None:
    house = charging(4900)
    house.controller.press_stop()
    house.amps = 0.8
    assert house.run(10).desired.charge is False
    house.link = replace(house.link, stop_sent_at=house.now, believed_charging=False)
    house.run(20)
    house.read_car(charging_state=ChargingState.STOPPED, charger_actual_current=1.0)
    for _ in range(12):
        decision = house.run(10)
    assert decision.reason == "stopped_by_user"
    assert decision.state is S.PAUSED
    assert decision.desired.charge is None
