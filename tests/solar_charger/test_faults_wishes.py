"""What MANUAL, EMERGENCY, deadline and tariff do when something is missing or somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from solar_charger.control.decision import ControllerState as S
from solar_charger.measurements import ChargingState, PlugState
from solar_charger.settings import Mode, TariffRow

from tests.solar_charger.household import NOON, Household, charging, quiet_settings

WISHES = ["manual", "emergency", "deadline", "tariff"]
SETTINGS: dict[str, dict[str, Any]] = {
    "manual": {},
    "emergency": {"emergency_soc": 50},
    "deadline": {"deadline": f"{NOON + timedelta(hours=1):%H:%M}"},
    "tariff": {"tariff": (TariffRow("00:00", "23:59", 0.10),), "tariff_price_max": 0.15},
}
STATES = {
    "manual": S.MANUAL, "emergency": S.EMERGENCY, "deadline": S.DEADLINE, "tariff": S.TARIFF,
}  # fmt: skip

every_wish = pytest.mark.parametrize("wish", WISHES)


def without_sun(wish: str, **settings: Any) -> Household:
    """A house in the dark whose owner wants the car charged all the same."""
    house = Household(quiet_settings(**SETTINGS[wish], **settings))
    house.free_w = -400
    house.run(10)
    return house


def read(house: Household, **told: Any) -> None:
    house.read_car(**{"battery_level": 40, "charge_limit_soc": 90, **told})


def want(house: Household, wish: str) -> None:
    if wish == "manual":
        house.switch(Mode.MANUAL)


def running(wish: str, **settings: Any) -> Household:
    """The charge that was wished for runs at full current."""
    house = without_sun(wish, **settings)
    read(house)
    want(house, wish)
    decision = house.run(120, follow=True)
    assert decision.state is STATES[wish]
    return house


@every_wish
def test_a_silent_meter_does_not_end_a_charge_that_asks_no_sun(wish: str) -> None:
    house = running(wish)
    house.free_w = None
    decision = house.run(900, follow=True)
    assert house.amps == 48
    assert "meter_stale" in decision.alarms


@every_wish
def test_without_grid_data_the_fuse_falls_back(wish: str) -> None:
    house = running(wish, main_fuse_amps=50)
    assert house.amps == 43
    house.free_w = None
    decision = house.run(120, follow=True)
    assert house.amps == 16
    assert "fuse_no_data" in decision.alarms


@every_wish
def test_where_nobody_tells_of_the_plug_nothing_starts_or_rises(wish: str) -> None:
    house = without_sun(wish)
    read(house)
    house.run(300)
    house.twc_alive = False
    house.run(720)
    want(house, wish)
    for _ in range(30):
        decision = house.run(10)
        assert decision.observed.plug is PlugState.UNKNOWN
        assert decision.desired.charge is not True
        assert decision.desired.amps is None or decision.desired.amps <= (house.amps or 0)


@pytest.mark.parametrize("wish", ["manual", "deadline", "tariff"])
def test_a_sleeping_car_is_woken_at_once(wish: str) -> None:
    house = without_sun(wish)
    house.tell_sleep(True)
    want(house, wish)
    assert house.run(10).desired.wake.startswith(wish)


@every_wish
def test_the_car_s_own_schedule_is_overridden(wish: str) -> None:
    house = without_sun(wish)
    read(house, scheduled_charging_pending=True)
    want(house, wish)
    decision = house.run(20)
    assert decision.state is STATES[wish]
    assert decision.desired.charge is True


@every_wish
def test_a_car_that_charges_elsewhere_is_never_commanded(wish: str) -> None:
    house = without_sun(wish)
    house.plugged = False
    house.run(20)
    read(house, charging_state=ChargingState.CHARGING, charger_actual_current=16.0)
    want(house, wish)
    for _ in range(60):
        decision = house.run(10)
        assert decision.state is S.AWAY
        assert decision.desired.charge is None
        assert decision.desired.wake == ""


@every_wish
def test_another_car_on_our_connector_is_never_commanded(wish: str) -> None:
    house = without_sun(wish)
    house.plugged = False
    house.run(20)
    house.plugged, house.amps = True, 16.0
    house.run(10)
    read(house, charging_state=ChargingState.DISCONNECTED)
    want(house, wish)
    for _ in range(60):
        decision = house.run(10)
        assert decision.state is S.FOREIGN
        assert decision.desired.charge is None
        assert decision.desired.amps is None
    assert "foreign_vehicle" in decision.alarms


@every_wish
def test_somebody_else_s_charge_becomes_ours(wish: str) -> None:
    house = without_sun(wish)
    house.run(600)
    house.amps = 10.0
    house.run(30)
    read(house, charging_state=ChargingState.CHARGING, charger_actual_current=10.0)
    want(house, wish)
    house.run(60, follow=True)
    assert house.amps == 48
    assert house.controller.session.ours


def warm(house: Household) -> None:
    house.read_car(charging_state=ChargingState.STOPPED, charger_actual_current=18.0)


def overload(house: Household) -> None:
    house.free_w = -480.0 - 2400.0


def small_circuit(house: Household) -> None:
    house.settings = replace(house.settings, circuit_amps=10)


@pytest.mark.parametrize("burden", [overload, small_circuit])
def test_a_warm_cabin_is_left_alone_but_for_fuse_and_circuit(
    burden: Callable[[Household], None],
) -> None:
    house = charging(4320, main_fuse_amps=25)
    warm(house)
    house.run(60, follow=True)
    burden(house)
    warm(house)
    decision = house.run(10)
    assert decision.desired.amps == 10
    assert decision.desired.safety
    assert decision.desired.charge is not False
