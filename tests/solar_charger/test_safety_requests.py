"""What the car is asked for is told by its request, not by what it draws."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solar_charger.control.decision import Desired, Observed
from solar_charger.measurements import CarState, ChargingState

from tests.solar_charger.executor_worker import Worker, driving


class Told(Worker):
    """With a read of the car from a moment ago."""

    request: float | None = 48.0

    def seen(self) -> Observed:
        car = CarState(
            charging_state=ChargingState.CHARGING,
            charge_current_request=self.request,
            charge_current_request_max=48,
        )
        return replace(super().seen(), car=car, car_at=self.now - 1)


@pytest.mark.parametrize(("request_a", "sent"), [(48.0, ["set_amps 10"]), (10.0, []), (None, [])])
def test_a_car_that_holds_back_by_itself_is_still_asked_for_less(
    request_a: float | None, sent: list[str]
) -> None:
    worker = Told()
    worker.request = request_a
    worker.amps = 10.0
    worker.executor.belief.charging = True
    found = worker.run(Desired(charge=True, amps=10, poll=False), 8)
    assert driving(found) == sent
