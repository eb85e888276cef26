"""solar_charger under the stand-in Supervisor, seen and steered from the real Home Assistant."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from tests.home_assistant.entity_table import differences, entity_table, golden, keep
from tests.stand.app import read_app
from tests.stand.home_assistant import HomeAssistant, State
from tests.stand.mosquitto import Mosquitto
from tests.stand.stand import Stand
from tests.stand.supervisor import RunningApp
from tests.stand.waiting import NeverHappened, wait_until

FULL, LESS, LOWEST = 16, 9, 5
OPTIONS = {
    "source": "simulated",
    "vehicle_link": "simulated",
    "dry_run": False,
    "initial_mode": "MANUAL",
    "max_amps": FULL,
    "min_amps": LOWEST,
    "emergency_soc": 0,
    "deadline": "07:00",
}
EVENING = 21
"""Local hour of the simulated house: the sun is down, and the car has been plugged in for hours."""
AMPS = "sensor.solar_charger_amps"
CHARGING = "binary_sensor.solar_charger_charging"
MODE = "select.solar_charger_mode"
ENABLED = "switch.solar_charger_enabled"
MAX_AMPS = "number.solar_charger_max_amps"
CAR_SECONDS = 120
"""A wake, a read and two commands over a radio that takes 2 to 15 s for each."""

NUMBER = r"-?\d+([.]\d+)?"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+]00:00"
MOVING = {
    **dict.fromkeys(
        ("_available_w", "_own_w", "_grid_w", "_excess_watts", "_session_energy", "_grid_energy",
         "_solar_energy", "_commands_today", "_battery_age"), NUMBER,
    ),
    "sensor.solar_charger_amps": "1[56]([.]\\d+)?",
    "_eta": TIME,
    "_battery": r"4[89]",
}  # fmt: skip


def evening() -> str:
    """A time zone in which it is evening now, whatever the hour of the test."""
    east = (EVENING - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-east:+d}" if east else "Etc/GMT"


@pytest.fixture(scope="module")
def charger(stand: Stand, home_assistant: HomeAssistant) -> Iterator[RunningApp]:
    """The app with a simulated house, live, in mode MANUAL: the car charges at full current."""
    assert home_assistant
    before = stand.supervisor.registry.timezone
    stand.supervisor.registry.timezone = evening()
    running = stand.supervisor.start_app(read_app("solar_charger"), OPTIONS)
    yield running
    running.uninstall()
    stand.supervisor.registry.timezone = before


def about(amps: float) -> Callable[[State], bool]:
    """A measured current within half an ampere."""

    def fits(state: State) -> bool:
        try:
            return abs(float(state["state"]) - amps) <= 0.5
        except ValueError:
            return False

    return fits


def more_than_the_lowest(state: State) -> bool:
    """A measured current above the least the car takes."""
    try:
        return float(state["state"]) > LOWEST + 0.5
    except ValueError:
        return False


def flows(home_assistant: HomeAssistant, amps: float) -> None:
    home_assistant.wait_for_state(AMPS, about(amps), CAR_SECONDS)


@pytest.mark.usefixtures("charger")
def test_home_assistant_has_the_entities_of_the_kept_table(home_assistant: HomeAssistant) -> None:
    flows(home_assistant, FULL)
    home_assistant.wait_for_state(CHARGING, "on")
    if os.environ.get("GOLDEN") == "write":
        keep("solar_charger", entity_table(home_assistant, "solar_charger"), MOVING)
    wanted = golden("solar_charger")

    def found() -> list[str]:
        return differences(entity_table(home_assistant, "solar_charger"), wanted)

    with suppress(NeverHappened):
        wait_until(lambda: not found(), 45, "entities as in the kept table")
    assert found() == []


@pytest.mark.usefixtures("charger")
def test_the_charger_is_one_device(home_assistant: HomeAssistant) -> None:
    flows(home_assistant, FULL)
    (device,) = [each for each in home_assistant.devices() if each["name"] == "Solar charger"]
    assert device["model"] == "Solar surplus charging"
    assert device["sw_version"] == "0.1.0"


@pytest.mark.usefixtures("charger")
def test_the_reason_is_a_sentence_with_its_code_and_the_alarms(
    home_assistant: HomeAssistant,
) -> None:
    flows(home_assistant, FULL)
    why = home_assistant.wait_for_state("sensor.solar_charger_reason")
    assert str(FULL) in why["state"]
    assert why["attributes"]["text"].startswith(why["state"][:200])
    assert why["attributes"]["reason"]
    assert why["attributes"]["alarms"] == []


@pytest.mark.usefixtures("charger")
def test_entities_come_back_after_a_restart_of_home_assistant(
    home_assistant: HomeAssistant,
) -> None:
    flows(home_assistant, FULL)
    home_assistant.restart()
    home_assistant.wait_for_state(MODE, "MANUAL", 60)
    flows(home_assistant, FULL)


@pytest.mark.usefixtures("charger")
def test_entities_come_back_after_a_restart_of_the_broker(
    home_assistant: HomeAssistant, broker: Mosquitto
) -> None:
    flows(home_assistant, FULL)
    broker.stop()
    home_assistant.wait_for_state(MODE, "unavailable", 60)
    broker.start()
    home_assistant.wait_for_state(MODE, "MANUAL", 90)
    flows(home_assistant, FULL)


def test_entities_are_unavailable_while_the_app_is_stopped(
    charger: RunningApp, home_assistant: HomeAssistant
) -> None:
    flows(home_assistant, FULL)
    assert charger.stop() == 0, charger.logs()[-2000:]
    assert "the charge is ours: set_amps 5" in charger.logs()
    for entity in (AMPS, MODE, "button.solar_charger_wake"):
        home_assistant.wait_for_state(entity, "unavailable")
    charger.restart()
    home_assistant.wait_for_state(MODE, "MANUAL", 60)
    flows(home_assistant, FULL)


@pytest.mark.usefixtures("charger")
def test_a_lower_maximum_lowers_the_current_that_flows(home_assistant: HomeAssistant) -> None:
    flows(home_assistant, FULL)
    home_assistant.call_service("number", "set_value", entity_id=MAX_AMPS, value=LESS)
    flows(home_assistant, LESS)


@pytest.mark.usefixtures("charger")
def test_another_mode_changes_what_the_car_does(home_assistant: HomeAssistant) -> None:
    home_assistant.wait_for_state(AMPS, more_than_the_lowest, CAR_SECONDS)
    # With less the car would not be ready by the deadline, which goes first.
    home_assistant.call_service("number", "set_value", entity_id=MAX_AMPS, value=FULL)
    home_assistant.wait_for_state(MAX_AMPS, str(FULL))
    home_assistant.call_service("select", "select_option", entity_id=MODE, option="MIN_SOLAR")
    home_assistant.wait_for_state(MODE, "MIN_SOLAR")
    flows(home_assistant, LOWEST)


@pytest.mark.usefixtures("charger")
def test_a_pause_stops_the_charge_until_it_ends(home_assistant: HomeAssistant) -> None:
    home_assistant.wait_for_state(CHARGING, "on", CAR_SECONDS)
    home_assistant.call_service("switch", "turn_off", entity_id=ENABLED)
    home_assistant.wait_for_state(CHARGING, "off", CAR_SECONDS)
    flows(home_assistant, 0)
    home_assistant.wait_for_state("sensor.solar_charger_controller_state", "off")
    home_assistant.call_service("switch", "turn_on", entity_id=ENABLED)
    home_assistant.wait_for_state(CHARGING, "on", CAR_SECONDS)


@pytest.mark.usefixtures("charger")
def test_the_buttons_stop_and_start_the_charge(home_assistant: HomeAssistant) -> None:
    home_assistant.wait_for_state(CHARGING, "on", CAR_SECONDS)
    stop, start = "button.solar_charger_stop_now", "button.solar_charger_start_now"
    home_assistant.call_service("button", "press", entity_id=stop)
    flows(home_assistant, 0)
    home_assistant.call_service("button", "press", entity_id=start)
    home_assistant.wait_for_state(CHARGING, "on", CAR_SECONDS)


@pytest.mark.usefixtures("charger")
def test_a_deadline_is_written_as_a_time_of_day(home_assistant: HomeAssistant) -> None:
    deadline = "text.solar_charger_deadline"
    home_assistant.call_service("text", "set_value", entity_id=deadline, value="06:30")
    home_assistant.wait_for_state(deadline, "06:30")
    home_assistant.call_service("text", "set_value", entity_id=deadline, value="07:00")
    home_assistant.wait_for_state(deadline, "07:00")
