"""Reads the car's answers: protobuf JSON of `state charge` and of the body controller. No I/O.

Form: protobuf JSON of teslamotors/vehicle-command's `vehicle.proto` and `vcsec.proto`: names in
lowerCamelCase, enums as names, 64-bit numbers as text, what is absent is not set.
TeslaBleHttpProxy and Home Assistant write the same fields in snake_case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..json_values import (
    JsonObject,
    UnreadableAnswerError,
    as_object,
    flag,
    load_object,
    number_between,
    text,
    whole,
)
from ..measurements import BodyState, CarState, ChargingState, ScheduleMode, SleepStatus
from .results import without_log_lines

MAX_CAR_AMPS = 200.0
"""Beyond any Tesla's AC charger; a larger figure is a misread field."""
_MAX_VOLTS = 1000.0
_MAX_KW = 1000.0
_MAX_MINUTES = 100_000
_MAX_EPOCH = 2**40


def parse_charge_output(output: str) -> CarState:
    """Read the standard output of `tesla-control state charge`.

    Raises UnreadableAnswerError.
    """
    answer = load_object(without_log_lines(output).strip())
    if "chargeState" not in answer:
        raise UnreadableAnswerError("no chargeState in the answer")
    return parse_charge_state(as_object(answer["chargeState"], "chargeState"))


def parse_charge_state(fields: Mapping[str, Any]) -> CarState:
    """Read the fields of a charge state, in camelCase or snake_case; odd values become None."""
    get = {_camel(key): value for key, value in fields.items()}.get
    return CarState(
        charging_state=charging_state(get("chargingState")),
        battery_level=whole(get("batteryLevel"), 0, 100),
        usable_battery_level=whole(get("usableBatteryLevel"), 0, 100),
        charge_limit_soc=whole(get("chargeLimitSoc"), 0, 100),
        charger_voltage=number_between(get("chargerVoltage"), 0, _MAX_VOLTS),
        charger_pilot_current=_amps(get("chargerPilotCurrent")),
        charger_actual_current=_amps(get("chargerActualCurrent")),
        charger_power=number_between(get("chargerPower"), 0, _MAX_KW),
        charger_phases=whole(get("chargerPhases"), 1, 3),
        charge_current_request=_amps(get("chargeCurrentRequest")),
        charge_current_request_max=_amps(get("chargeCurrentRequestMax")),
        charging_amps=_amps(get("chargingAmps", get("chargeAmps"))),
        minutes_to_full_charge=whole(get("minutesToFullCharge"), 0, _MAX_MINUTES),
        minutes_to_charge_limit=whole(get("minutesToChargeLimit"), 0, _MAX_MINUTES),
        charge_energy_added=number_between(get("chargeEnergyAdded"), 0, _MAX_KW),
        charge_port_door_open=flag(get("chargePortDoorOpen")),
        scheduled_charging_pending=flag(get("scheduledChargingPending")),
        scheduled_charging_mode=_schedule_mode(get("scheduledChargingMode")),
        scheduled_charging_start_time=_epoch(get("scheduledChargingStartTime")),
        user_charge_enable_request=flag(get("userChargeEnableRequest")),
        charge_enable_request=flag(get("chargeEnableRequest")),
        managed_charging_active=flag(get("managedChargingActive")),
        charge_limit_reason=_without_prefix(get("chargeLimitReason"), "ChargeLimitReason"),
        preconditioning_enabled=flag(get("preconditioningEnabled")),
    )


def charging_state(value: Any) -> ChargingState:
    """One-of object with one key, or the bare word; unknown words give UNKNOWN."""
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value))
    word = re.sub(r"[^a-z]", "", value.lower()) if isinstance(value, str) else ""
    return _STATES.get(word.removeprefix("chargingstate"), ChargingState.UNKNOWN)


def parse_body_output(output: str) -> BodyState:
    """Read the standard output of `tesla-control body-controller-state`.

    Raises UnreadableAnswerError.
    """
    return parse_body_state(load_object(without_log_lines(output).strip()))


def parse_body_state(answer: JsonObject) -> BodyState:
    """Read a vehicle status of the body controller; odd values become "unknown".

    Raises UnreadableAnswerError where none of the known fields is there.
    """
    fields = {_camel(key): value for key, value in answer.items()}
    if not {"vehicleSleepStatus", "vehicleLockState", "closureStatuses"} & fields.keys():
        raise UnreadableAnswerError("no vehicle status in the answer")
    closures = fields.get("closureStatuses")
    port = None
    if isinstance(closures, dict):
        port = {_camel(key): value for key, value in closures.items()}.get("chargePort")
    return BodyState(
        sleep=_sleep_status(fields.get("vehicleSleepStatus")),
        charge_port_open=_CHARGE_PORT.get(text(port) or ""),
        user_present=_PRESENCE.get(text(fields.get("userPresence")) or ""),
    )


_STATES = {state.value.lower(): state for state in ChargingState}
_CHARGE_PORT = {"CLOSURESTATE_OPEN": True, "CLOSURESTATE_AJAR": True, "CLOSURESTATE_CLOSED": False}
_PRESENCE = {"VEHICLE_USER_PRESENCE_PRESENT": True, "VEHICLE_USER_PRESENCE_NOT_PRESENT": False}


def _sleep_status(value: Any) -> SleepStatus:
    word = (text(value) or "").removeprefix("VEHICLE_SLEEP_STATUS_")
    return SleepStatus(word) if word in SleepStatus.__members__ else SleepStatus.UNKNOWN


def _schedule_mode(value: Any) -> ScheduleMode | None:
    word = _without_prefix(value, "ScheduledChargingMode")
    return next((mode for mode in ScheduleMode if mode.value == word), None)


def _without_prefix(value: Any, prefix: str) -> str | None:
    word = text(value)
    return word.removeprefix(prefix) if word else None


def _amps(value: Any) -> float | None:
    return number_between(value, 0, MAX_CAR_AMPS)


def _epoch(value: Any) -> int | None:
    # 0 is how the car says "no time set".
    return whole(value, 1, _MAX_EPOCH)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
