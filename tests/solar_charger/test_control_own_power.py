"""What the car draws where nobody measures it: the model between two reads."""

from __future__ import annotations

import pytest
from solar_charger.control.inputs import LinkFacts
from solar_charger.control.own_power import OwnPower, modelled_amps
from solar_charger.measurements import CarState, ChargingState

CHARGING = CarState(charging_state=ChargingState.CHARGING, charger_actual_current=10.0)


def accepted(amps: int, at: float, since: float = 0.0) -> LinkFacts:
    return LinkFacts(
        accepted_amps=amps, accepted_at=at, believed_charging=True, charging_since=since
    )


def test_a_raised_current_climbs_from_where_it_was_and_not_from_an_old_read() -> None:
    link = accepted(30, at=1000.0)
    before = (1000.0, 24.0)
    assert modelled_amps(1001.0, CHARGING, 900.0, link, before) == 26.0
    assert modelled_amps(1005.0, CHARGING, 900.0, link, before) == 30.0


def test_a_lowered_current_falls_at_once() -> None:
    assert modelled_amps(1001.0, CHARGING, 900.0, accepted(6, 1000.0), (1000.0, 24.0)) == 6.0


def test_after_a_start_nothing_flows_for_some_seconds() -> None:
    link = accepted(20, at=990.0, since=1000.0)
    assert modelled_amps(1006.0, None, None, link, (1000.0, 0.0)) == 0.0
    assert modelled_amps(1010.0, None, None, link, (1006.0, 0.0)) == 4.0


def test_a_read_taken_well_after_the_change_corrects_the_model() -> None:
    assert modelled_amps(1030.0, CHARGING, 1020.0, accepted(30, 1000.0), (1029.0, 30.0)) == 10.0


@pytest.mark.parametrize("charging", [False, None])
def test_a_charge_that_is_not_believed_in_draws_what_was_read_or_nothing(
    charging: bool | None,
) -> None:
    link = LinkFacts(accepted_amps=30, accepted_at=1000.0, believed_charging=charging)
    found = modelled_amps(1020.0, CHARGING, 900.0, link, (1010.0, 30.0))
    assert found == (10.0 if charging is None else 0.0)


def test_it_is_known_whether_the_newest_point_was_measured() -> None:
    own = OwnPower()
    own.add(1.0, 2400.0, 10.0, measured=True)
    assert own.measured
    own.add(2.0, 2400.0, 10.0, measured=False)
    assert not own.measured
