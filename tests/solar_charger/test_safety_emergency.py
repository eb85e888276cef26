"""A low battery that comes back to the cable is charged, whatever was interrupted before."""

from __future__ import annotations

from solar_charger.control.decision import ControllerState as S
from solar_charger.measurements import ChargingState

from tests.solar_charger.household import Household, quiet_settings


def test_an_emergency_interrupted_by_unplugging_begins_again_at_the_next_cable() -> None:
    house = Household(quiet_settings(emergency_soc=50))
    house.free_w = -400
    house.run(10)
    house.read_car(battery_level=40)
    assert house.run(60, follow=True).state is S.EMERGENCY
    house.plugged, house.amps = False, 0.0
    house.run(600)
    house.plugged = True
    house.run(20)
    house.read_car(charging_state=ChargingState.STOPPED, battery_level=25)
    decision = house.run(60)
    assert decision.state is S.EMERGENCY
    assert decision.desired.charge is True
