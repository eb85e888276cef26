from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.car.charge_state import (
    charging_state,
    parse_body_output,
    parse_body_state,
    parse_charge_output,
    parse_charge_state,
)
from solar_charger.json_values import UnreadableAnswerError
from solar_charger.measurements import CarState, ChargingState, ScheduleMode, SleepStatus
from solar_charger.testing.house import Car

from tests.solar_charger.fakes import json_values, objects_with

EXAMPLE = """{"chargeState":{"chargingState":{"Charging":{}},"chargeLimitSoc":80,"batteryLevel":65,
"usableBatteryLevel":64,"chargerVoltage":240,"chargerPilotCurrent":48,"chargerActualCurrent":24,
"chargerPower":6,"minutesToFullCharge":95,"minutesToChargeLimit":60,"chargeRateMph":20,
"chargePortDoorOpen":true,"scheduledChargingPending":false,
"scheduledChargingMode":"ScheduledChargingModeStartAt","scheduledChargingStartTime":"1770590000",
"chargeCurrentRequest":24,"chargeCurrentRequestMax":48,"chargingAmps":24,"chargerPhases":1,
"chargeEnergyAdded":4.2,"userChargeEnableRequest":true,"chargeEnableRequest":true,
"managedChargingActive":false,"chargeLimitReason":"ChargeLimitReasonBattTempLow",
"preconditioningEnabled":false,"timestamp":"2026-01-01T12:00:00Z"}}"""


def test_a_whole_charge_state_is_read() -> None:
    state = parse_charge_output("2026-01-01T00:00:00Z [info ] connected\n" + EXAMPLE + "\n")
    assert state == CarState(
        charging_state=ChargingState.CHARGING,
        battery_level=65,
        usable_battery_level=64,
        charge_limit_soc=80,
        charger_voltage=240,
        charger_pilot_current=48,
        charger_actual_current=24,
        charger_power=6,
        charger_phases=1,
        charge_current_request=24,
        charge_current_request_max=48,
        charging_amps=24,
        minutes_to_full_charge=95,
        minutes_to_charge_limit=60,
        charge_energy_added=4.2,
        charge_port_door_open=True,
        scheduled_charging_pending=False,
        scheduled_charging_mode=ScheduleMode.START_AT,
        scheduled_charging_start_time=1770590000,
        user_charge_enable_request=True,
        charge_enable_request=True,
        managed_charging_active=False,
        charge_limit_reason="BattTempLow",
        preconditioning_enabled=False,
    )


def test_what_is_absent_is_unknown_and_not_zero() -> None:
    state = parse_charge_output('{"chargeState":{}}')
    assert state == CarState()
    assert state.battery_level is None
    assert state.charger_actual_current is None


def test_a_flat_battery_is_zero_and_not_unknown() -> None:
    assert parse_charge_output('{"chargeState":{"batteryLevel":0}}').battery_level == 0


def test_the_snake_case_of_the_proxy_gives_the_same_state() -> None:
    camel = json.loads(EXAMPLE)["chargeState"]
    snake = {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in key): camel[key] for key in camel
    }
    snake["charging_state"] = "Charging"
    snake["charge_amps"] = snake.pop("charging_amps")
    assert parse_charge_state(snake) == parse_charge_state(camel)


@pytest.mark.parametrize("state", ChargingState)
def test_each_charging_state_is_known_as_object_as_word_and_in_other_spellings(
    state: ChargingState,
) -> None:
    assert charging_state({state.value: {}}) is state
    assert charging_state(state.value) is state
    assert charging_state(state.value.lower()) is state
    assert charging_state(f"ChargingState{state.value}") is state
    assert charging_state("no_power") is ChargingState.NO_POWER


@pytest.mark.parametrize("value", [None, 5, {}, {"Charging": {}, "Stopped": {}}, "Flying", ["x"]])
def test_a_strange_charging_state_is_unknown(value: object) -> None:
    assert charging_state(value) is ChargingState.UNKNOWN


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batteryLevel", 101),
        ("batteryLevel", -1),
        ("batteryLevel", "NaN"),
        ("batteryLevel", True),
        ("batteryLevel", 1e400),
        ("chargerActualCurrent", -3),
        ("chargerActualCurrent", 500),
        ("chargerActualCurrent", [24]),
        ("chargerVoltage", "Infinity"),
    ],
)
def test_an_impossible_figure_is_unknown(field: str, value: object) -> None:
    assert parse_charge_state({field: value}) == CarState()


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '{"chargeState":5}', "{", "[" * 100_000, "Sent.", "\x00", "1" * 5000],
)
def test_what_is_no_charge_state_is_refused_with_our_own_error(text: str) -> None:
    with pytest.raises(UnreadableAnswerError):
        parse_charge_output(text)


def test_the_body_controller_is_read() -> None:
    car = Car(asleep=True, plugged=True)
    body = parse_body_output(json.dumps(car.body_state(), indent="\t"))
    assert (body.sleep, body.charge_port_open, body.user_present) == (
        SleepStatus.ASLEEP,
        True,
        False,
    )


def test_a_body_controller_that_tells_little_is_unknown_not_awake() -> None:
    body = parse_body_state({"vehicleLockState": "VEHICLELOCKSTATE_LOCKED"})
    assert body.sleep is SleepStatus.UNKNOWN
    assert body.charge_port_open is None
    with pytest.raises(UnreadableAnswerError):
        parse_body_state({"else": 1})


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_charge_output, parse_body_output):
        try:
            parse(text)
        except UnreadableAnswerError:
            continue


FIELDS = tuple(json.loads(EXAMPLE)["chargeState"])


@given(objects_with(*FIELDS))
def test_any_values_give_figures_in_range_or_unknown(fields: dict[str, object]) -> None:
    state = parse_charge_output(json.dumps({"chargeState": fields}))
    assert state.battery_level is None or 0 <= state.battery_level <= 100
    assert state.charger_actual_current is None or 0 <= state.charger_actual_current <= 200
    assert state.charger_phases in (None, 1, 2, 3)


@given(objects_with("vehicleSleepStatus", "closureStatuses", "userPresence") | json_values)
def test_any_body_answer_is_read_or_refused(value: object) -> None:
    try:
        assert parse_body_output(json.dumps(value)).sleep in SleepStatus
    except UnreadableAnswerError:
        return
