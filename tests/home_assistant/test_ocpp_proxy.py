"""ocpp_proxy under the stand-in Supervisor, seen from the real Home Assistant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.demo.processes import Child
from tests.demo.simulators import Simulator
from tests.home_assistant.entity_table import differences, entity_table, golden, keep
from tests.stand.app import read_app
from tests.stand.home_assistant import HomeAssistant, State
from tests.stand.mosquitto import Mosquitto
from tests.stand.network import GATEWAY
from tests.stand.stand import Stand
from tests.stand.supervisor import RunningApp
from tests.stand.waiting import NeverHappened, wait_until

STATION = "Garage-7"
# Wallboxes of earlier tests stay in Home Assistant.
OWNER = f"ocpp_proxy_{STATION}"
POWER = "sensor.garage_7_power_1"
CONNECTED = "binary_sensor.garage_7_charger_connected"
FAR_SIDES = (
    Simulator(
        "evcc",
        ("ocpp_proxy.testing", "central-system", "--host", GATEWAY, "--time", "boot_interval=10"),
    ),
    Simulator(
        "wallbox",
        ("ocpp_proxy.testing", "wallbox", "--url", "ws://127.0.0.1:{8888/tcp}", "--id", STATION,
         "--charge-after", "3"),
    ),
)  # fmt: skip


TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+]00:00"
MOVING = {
    "_energy_total_1": r"1234[.]\d+",
    "_session_energy_1": r"0[.]\d+",
    "_session_start_1": TIME,
    "_last_boot": TIME,
    "_last_heartbeat": TIME,
    "_last_message": TIME,
    "_latency_charger": r"\d+([.]\d+)?|unknown",
    "_latency_upstream": r"\d+([.]\d+)?|unknown",
    "_transaction_id_1": r"1\d{9}",
    "_peer_address": r"[0-9.]+",
}


# They have no value until the first pings are answered and the first heartbeat came.
LATEST = tuple(
    f"sensor.garage_7_{each}" for each in ("latency_charger", "latency_upstream", "last_heartbeat")
)


@pytest.fixture(scope="module")
def charging(stand: Stand, home_assistant: HomeAssistant) -> Iterator[RunningApp]:
    """The app with default options, and a wallbox whose car charges with 16 A on three phases."""
    running = stand.supervisor.start_app(read_app("ocpp_proxy"))
    far_sides: list[Child] = []
    for simulator in FAR_SIDES:
        far_sides.append(simulator.start("ocpp_proxy", running.ports))
    yield running
    for child in reversed(far_sides):
        child.stop()
    running.uninstall()


def _flows(state: State) -> bool:
    return state["state"] not in ("unavailable", "unknown") and float(state["state"]) == 11040.0


def is_charging(home_assistant: HomeAssistant, seconds: float = 120) -> None:
    home_assistant.wait_for_state(POWER, _flows, seconds)


def test_home_assistant_has_the_entities_of_the_kept_table(
    charging: RunningApp, home_assistant: HomeAssistant
) -> None:
    try:
        is_charging(home_assistant)
    except NeverHappened as error:
        error.add_note(charging.logs()[-4000:])
        raise
    if os.environ.get("GOLDEN") == "write":
        for latest in LATEST:
            home_assistant.wait_for_state(latest, seconds=120)
        keep("ocpp_proxy", entity_table(home_assistant, OWNER), MOVING)
    wanted = golden("ocpp_proxy")

    def found() -> list[str]:
        return differences(entity_table(home_assistant, OWNER), wanted)

    with suppress(NeverHappened):
        wait_until(lambda: not found(), 120, "entities as in the kept table")
    assert found() == []


@pytest.mark.usefixtures("charging")
def test_the_wallbox_is_a_device_with_its_maker_and_model(home_assistant: HomeAssistant) -> None:
    is_charging(home_assistant)
    device = next(each for each in home_assistant.devices() if each["name"] == STATION)
    assert (device["manufacturer"], device["model"]) == ("Example", "Plain 22")
    assert device["sw_version"] == "1.0.0"


def test_entities_are_unavailable_while_the_app_is_stopped(
    charging: RunningApp, home_assistant: HomeAssistant
) -> None:
    is_charging(home_assistant)
    assert charging.stop() == 0, charging.logs()[-2000:]
    home_assistant.wait_for_state(POWER, "unavailable")
    home_assistant.wait_for_state(CONNECTED, "unavailable")
    charging.restart()
    home_assistant.wait_for_state(CONNECTED, "on", 60)
    is_charging(home_assistant)


@pytest.mark.usefixtures("charging")
def test_entities_come_back_after_a_restart_of_home_assistant(
    home_assistant: HomeAssistant,
) -> None:
    is_charging(home_assistant)
    home_assistant.restart()
    home_assistant.wait_for_state(CONNECTED, "on", 60)
    is_charging(home_assistant)


@pytest.mark.usefixtures("charging")
def test_entities_come_back_after_a_restart_of_the_broker(
    home_assistant: HomeAssistant, broker: Mosquitto
) -> None:
    is_charging(home_assistant)
    broker.stop()
    home_assistant.wait_for_state(CONNECTED, "unavailable", 60)
    broker.start()
    home_assistant.wait_for_state(CONNECTED, "on", 90)
    is_charging(home_assistant)
