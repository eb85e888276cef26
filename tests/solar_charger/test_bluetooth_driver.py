"""Our driver and the real tesla-fleet-api against a simulated car behind a stand-in for BlueZ."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from solar_charger.car import python_ble
from solar_charger.car.link import Result
from solar_charger.car.link import ResultClass as R
from solar_charger.car.python_ble import PythonBleLink
from solar_charger.measurements import BodyState, CarState, ChargingState, SleepStatus
from solar_charger.testing.bluetooth.neighbourhood import Neighbourhood

from tests.solar_charger.bluetooth_stand import (
    OURS,
    PATIENCE_S,
    VIN,
    at_last,
    needs_bluetooth,
    neighbourhood,
    paired,
    unpaired,
    until,
)

pytestmark = needs_bluetooth

KILLED_AT_WORK = """
import asyncio, os, signal, sys
from pathlib import Path
from solar_charger.car.python_ble import PythonBleLink

async def work():
    assert (await PythonBleLink(sys.argv[1], Path(sys.argv[2])).set_amps(8)).ok
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(work())
"""


@pytest.fixture(scope="module")
def street() -> Iterator[Neighbourhood]:
    with neighbourhood() as cars:
        yield cars


@pytest.fixture
def car(street: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> Neighbourhood:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", street.address)
    street.tell("reset")
    return street


@pytest.fixture
async def link(car: Neighbourhood, tmp_path: Path) -> AsyncIterator[PythonBleLink]:
    """A driver the car knows."""
    found = paired(car, tmp_path)
    yield found
    await found.close()


def read(result: Result) -> CarState:
    """The state a read brought."""
    assert isinstance(result.data, CarState), result
    return result.data


def sleep_of(result: Result) -> SleepStatus:
    """What the body controller said."""
    assert isinstance(result.data, BodyState), result
    return result.data.sleep


async def test_pairing_asks_for_the_small_role_and_ends_with_the_tap_of_the_card(
    car: Neighbourhood, tmp_path: Path
) -> None:
    link = unpaired(tmp_path)
    assert (await link.ping()).result_class is R.NOT_PAIRED
    asked = asyncio.create_task(link.pair())
    await until(lambda: car.state()["waits_for_card"])
    assert not asked.done()
    car.tell("tap")
    assert (await asked).result_class is R.OK
    assert car.state()["roles"] == [OURS]
    assert (await link.ping()).result_class is R.OK
    assert (await link.pair()).result_class is R.OK_ALREADY
    await link.close()


async def test_nobody_with_a_card_is_said_in_so_many_words(
    car: Neighbourhood, tmp_path: Path
) -> None:
    link = unpaired(tmp_path)
    asked = asyncio.create_task(link.pair())
    await until(lambda: car.state()["waits_for_card"])
    car.tell("give_up")
    result = await asked
    assert result.result_class is R.TIMEOUT
    assert "nobody confirmed with the key card" in result.text
    assert car.state()["roles"] == []
    await link.close()


async def test_the_tap_counts_even_where_the_car_s_word_of_it_is_lost(
    car: Neighbourhood, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = unpaired(tmp_path)
    asked = asyncio.create_task(link.pair())
    await until(lambda: car.state()["waits_for_card"])
    car.tell("lose_link")
    car.tell("tap")
    assert (await asked).result_class is R.OK
    assert car.state()["roles"] == [OURS]
    await link.close()


async def test_a_charge_is_set_started_read_and_stopped(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    assert (await link.set_amps(24)).result_class is R.OK
    assert (await link.set_limit(90)).result_class is R.OK
    assert (await link.start()).result_class is R.OK
    seen = read(await link.read_charge())
    assert seen.charging_state is ChargingState.CHARGING
    assert (seen.charger_actual_current, seen.charge_current_request) == (24, 24)
    assert (seen.charge_limit_soc, seen.battery_level, seen.charger_phases) == (90, 65, 1)
    assert (await link.start()).result_class is R.OK_ALREADY
    assert (await link.stop()).result_class is R.OK
    assert (await link.stop()).result_class is R.OK_ALREADY
    assert read(await link.read_charge()).charging_state is ChargingState.STOPPED
    assert car.state()["heard"] == [
        "charging-set-amps 24", "charging-set-limit 90",
        "charging-start", "charging-start", "charging-stop", "charging-stop",
    ]  # fmt: skip


async def test_why_the_car_will_not_charge_has_its_class(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    car.set(plugged=False)
    assert (await link.start()).result_class is R.NOT_PLUGGED
    assert read(await link.read_charge()).charging_state is ChargingState.DISCONNECTED
    car.set(plugged=True, soc=80.0)
    assert (await link.start()).result_class is R.COMPLETE
    car.set(soc=50.0, pilot_amps=0)
    assert (await link.start()).result_class is R.NO_POWER


async def test_one_connection_serves_a_batch_and_is_left_after_it(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    await link.read_body()
    await link.set_amps(10)
    await link.read_charge()
    assert car.state()["connected"]
    await link.close()
    state = car.state()
    assert (state["connected"], state["connections"], state["scans"]) == (False, 1, 1)
    assert (await link.set_amps(11)).ok
    assert car.state()["connections"] == 2


async def test_a_sleeping_car_answers_that_it_sleeps_and_sleeps_on(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    car.set(asleep=True)
    assert sleep_of(await link.read_body()) is SleepStatus.ASLEEP
    for call in (link.start, link.stop, link.read_charge, lambda: link.set_amps(8)):
        result = await call()
        assert result.result_class is R.ASLEEP
        assert sleep_of(result) is SleepStatus.ASLEEP
    state = car.state()
    assert state["asleep"]
    assert state["heard"] == []


async def test_a_car_that_fell_asleep_since_the_last_command_is_asleep_not_doubtful(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    assert (await link.set_amps(12)).ok
    await link.close()
    car.set(asleep=True)
    assert (await link.start()).result_class is R.ASLEEP
    assert car.state()["heard"] == ["charging-set-amps 12"]


async def test_only_a_wake_wakes_and_the_start_after_it_waits_for_the_computer(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    car.set(asleep=True, boot_s=1.0)
    assert (await link.wake()).result_class is R.OK
    assert (await link.start()).result_class is R.OK
    state = car.state()
    assert (state["asleep"], state["charging"]) == (False, True)
    assert set(state["heard"]) == {"wake", "charging-start"}


async def test_a_computer_that_boots_on_is_no_fault_right_after_the_wake(
    car: Neighbourhood, link: PythonBleLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_ble, "WAKE_WITHIN_S", 1.0)
    car.set(asleep=True, boot_s=60.0)
    woken = await link.wake()
    assert woken.result_class is R.OK
    assert sleep_of(woken) is SleepStatus.AWAKE


async def test_a_car_that_does_not_wake_is_told_so(
    car: Neighbourhood, link: PythonBleLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_ble, "WAKE_WITHIN_S", 1.0)
    car.set(asleep=True, wakes=False)
    result = await link.wake()
    assert result.result_class is R.TIMEOUT
    assert "did not wake" in result.text
    assert sleep_of(result) is SleepStatus.ASLEEP


async def test_a_lost_answer_is_doubtful_and_a_read_tells_what_became_of_it(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    car.set(lose_answers=1)
    result = await link.start()
    assert result.result_class is R.UNKNOWN_RESULT
    assert "may have done it" in result.text
    assert car.state()["heard"] == ["charging-start"]
    assert read(await link.read_charge()).charging_state is ChargingState.CHARGING
    car.set(lose_commands=1)
    assert (await link.stop()).result_class is R.UNKNOWN_RESULT
    assert read(await link.read_charge()).charging_state is ChargingState.CHARGING
    assert car.state()["heard"] == ["charging-start"]


async def test_a_link_that_breaks_after_the_command_leaves_it_doubtful_and_unrepeated(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    await link.read_charge()
    car.set(hang_up=True)
    assert (await link.start()).result_class is R.UNKNOWN_RESULT
    car.set(hang_up=False)
    assert car.state()["heard"] == ["charging-start"]
    assert read(await link.read_charge()).charging_state is ChargingState.CHARGING


async def test_a_car_that_leaves_an_idle_link_is_simply_called_again(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    car.set(idle_s=0.3)
    assert (await link.set_amps(9)).ok
    await until(lambda: not car.state()["connected"])
    assert (await link.set_amps(10)).ok
    assert car.state()["connections"] == 2


async def test_a_rebooted_car_begins_a_new_session_and_hears_the_command_once(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    assert (await link.set_amps(9)).ok
    car.tell("reboot")
    assert (await link.start()).result_class is R.OK
    assert car.state()["heard"] == ["charging-set-amps 9", "charging-start"]


async def test_a_link_that_a_killed_program_left_open_ends_with_the_patience_of_the_car(
    car: Neighbourhood, tmp_path: Path
) -> None:
    # BlueZ keeps the connection of a client that has died, and a connected car is not heard.
    link = paired(car, tmp_path, reach_within_s=2.0)
    car.set(idle_s=1.0)
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED_AT_WORK, VIN, str(tmp_path / "private.pem")
    )
    async with asyncio.timeout(PATIENCE_S):
        assert await killed.wait() == -signal.SIGKILL
    assert car.state()["request_amps"] == 8
    await at_last(lambda: link.set_amps(9))
    assert car.state()["request_amps"] == 9
    await link.close()


async def test_a_cancelled_call_leaves_a_driver_that_works(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    await link.read_charge()
    car.set(silent=True)
    call = asyncio.create_task(link.start())
    written = car.state()["writes"]
    await until(lambda: car.state()["writes"] > written)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    car.set(silent=False)
    assert (await link.set_amps(7)).ok
