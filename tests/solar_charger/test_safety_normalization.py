"""The current a car is left with at unplug, when nobody knows the plug any more."""

from __future__ import annotations

from dataclasses import replace

from solar_charger.measurements import PlugState

from tests.solar_charger.household import Household, quiet_settings


def unplugged() -> Household:
    """Just unplugged, the car not yet given its current back."""
    house = Household(quiet_settings())
    house.run(20)
    house.read_car()
    house.plugged = False
    house.run(20)
    assert house.decision is not None
    assert house.decision.pending_normalization
    return house


def test_a_plug_nobody_knows_any_more_voids_the_current_to_be_left_behind() -> None:
    house = unplugged()
    del house.readings["car"]
    house.twc_alive = False
    decision = house.run(120)
    assert decision.observed.plug is PlugState.UNKNOWN
    assert not decision.pending_normalization
    house.twc_alive = True
    assert house.run(30).desired.amps is None


def test_a_restart_that_does_not_know_the_plug_yet_keeps_it() -> None:
    kept = unplugged().controller.remember(50_000.0, 0.0)
    del kept["wall"]
    house = Household(quiet_settings(), **kept)
    house.twc_alive = False
    assert house.run(30).pending_normalization
    house.twc_alive, house.plugged = True, False
    house.link = replace(house.link, last_contact=house.now + 30)
    assert house.run(30).desired.amps == 48
