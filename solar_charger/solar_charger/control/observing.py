"""From readings to what is believed of car and cable now."""

from __future__ import annotations

from ..measurements import ChargingState, PlugState, SleepStatus
from . import connector_ages
from .decision import Observed
from .electric import Electric, measured_amps
from .inputs import Inputs, LinkFacts
from .own_power import OwnPower
from .plug import PlugWatch

CAR_CURRENT_S = 150.0
AFTER_COMMAND_S = 10.0


def observe(
    inputs: Inputs, electric: Electric, own: OwnPower, plug: PlugWatch, began_at: float
) -> Observed:
    """Everything derived; a reading of the car from before `began_at` does not count."""
    now, snapshot = inputs.now, inputs.snapshot
    amps, amps_at = _amps(inputs)
    car = snapshot.car
    current = car is not None and car.usable and car.measured_at >= began_at
    body = snapshot.body
    newest = own.newest()
    car_max: int | None = None
    if car is not None and current and (car.value.charge_current_request_max or 0) >= 1:
        car_max = int(car.value.charge_current_request_max or 0)
    return Observed(
        now=now,
        plug=plug.state,
        home=plug.proven and plug.state is PlugState.PLUGGED,
        amps=amps,
        amps_at=amps_at,
        own_w=newest[1] if newest is not None and now - newest[0] <= 90.0 else None,
        car=car.value if car is not None and current else None,
        car_at=car.measured_at if car is not None and current else None,
        car_max=car_max,
        asleep=None if body is None else body.value.sleep is SleepStatus.ASLEEP,
        volts=electric.volts,
        phases=electric.phases,
    )


def _amps(inputs: Inputs) -> tuple[float | None, float]:
    twc = inputs.snapshot.twc
    if twc is not None and twc.fresh(inputs.now, connector_ages.CURRENT_S):
        amps = measured_amps(twc.value)
        if amps is not None:
            return _bounded(amps), twc.measured_at
    return _car_amps(inputs, inputs.link)


def _car_amps(inputs: Inputs, link: LinkFacts) -> tuple[float | None, float]:
    """The car's own figure, while young and not older than our last change."""
    car = inputs.snapshot.car
    if car is None or not car.fresh(inputs.now, CAR_CURRENT_S):
        return None, 0.0
    changes = [link.accepted_at, link.start_sent_at, link.stop_sent_at]
    latest = max((at for at in changes if at is not None), default=float("-inf"))
    if car.measured_at < latest + AFTER_COMMAND_S or car.value.charger_actual_current is None:
        return None, 0.0
    if car.value.charging_state is ChargingState.STARTING and not car.value.charger_actual_current:
        return None, 0.0  # its current is still to come: not a measured nothing
    return _bounded(car.value.charger_actual_current), car.measured_at


def _bounded(amps: float) -> float | None:
    """NaN and nonsense are "not measured"."""
    return amps if 0.0 <= amps <= 1000.0 else None
