"""What can go wrong between our driver and the car: each has its class and a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from solar_charger.car.keys import generate_key
from solar_charger.car.link import Result
from solar_charger.car.link import ResultClass as R
from solar_charger.car.python_ble import PythonBleLink
from solar_charger.executor.backoff import Backoff
from solar_charger.testing.bluetooth.neighbourhood import Neighbourhood, PrivateBus

from tests.solar_charger.bluetooth_stand import (
    VIN,
    Hurried,
    at_last,
    needs_bluetooth,
    neighbourhood,
    paired,
    public_hex,
    short_folder,
    unpaired,
    until,
)

pytestmark = needs_bluetooth

MIDDLE = 0.5
"""Jitter that neither lengthens nor shortens a rest."""


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


@pytest.fixture
async def hasty(car: Neighbourhood, tmp_path: Path) -> AsyncIterator[PythonBleLink]:
    """The same, with less patience than a real car would need."""
    found = paired(car, tmp_path, reach_within_s=2.0)
    yield found
    await found.close()


def is_told(result: Result, wanted: R, *words: str) -> None:
    """The class, a sentence with these words, and nothing that names the car."""
    assert result.result_class is wanted, result
    for word in words:
        assert word in result.text, result.text
    assert VIN not in result.text
    assert result.data is None


async def test_a_car_out_of_range_is_unreachable_and_hears_nothing(
    car: Neighbourhood, hasty: PythonBleLink
) -> None:
    car.set(in_range=False)
    is_told(await hasty.start(), R.UNREACHABLE, "was not heard within 2 s", "out of range")
    is_told(await hasty.read_body(), R.UNREACHABLE, "out of range")
    state = car.state()
    assert (state["writes"], state["connections"]) == (0, 0)
    car.set(in_range=True)
    await at_last(hasty.start)


async def test_a_whole_scan_without_the_car_ends_by_itself(
    car: Neighbourhood, tmp_path: Path
) -> None:
    car.set(in_range=False)
    link = paired(car, tmp_path)
    result = await link.wake()
    is_told(result, R.UNREACHABLE, "was not heard", "out of range")
    assert result.duration_s < 15


async def test_out_of_range_rests_longer_each_time_and_asleep_does_not_rest(
    car: Neighbourhood, hasty: PythonBleLink
) -> None:
    backoff, now = Backoff(), 1000.0
    car.set(in_range=False)
    rests = []
    for _ in range(3):
        backoff.take((await hasty.read_body()).result_class, now, MIDDLE)
        rests.append(backoff.remaining(now))
    assert rests == [30, 60, 120]
    for _ in range(3):
        backoff.take(R.UNREACHABLE, now, MIDDLE)
    assert backoff.remaining(now) == 600
    assert backoff.unreachable_since == now
    car.set(in_range=True, asleep=True)
    await at_last(hasty.read_body)
    asleep = await hasty.start()
    assert asleep.result_class is R.ASLEEP
    backoff.take(asleep.result_class, now, MIDDLE)
    assert backoff.remaining(now) == 0
    assert backoff.fails == 0
    assert not backoff.unreachable_since


async def test_a_car_that_drives_off_is_lost_and_found_again(
    car: Neighbourhood, hasty: PythonBleLink
) -> None:
    await at_last(lambda: hasty.set_amps(9))
    car.set(in_range=False)
    await until(lambda: not car.state()["connected"])
    is_told(await hasty.set_amps(10), R.UNREACHABLE)
    car.set(in_range=True)
    await at_last(lambda: hasty.set_amps(11))
    assert car.state()["request_amps"] == 11


async def test_three_keys_that_are_connected_already_are_named_as_a_reason(
    car: Neighbourhood, hasty: PythonBleLink
) -> None:
    car.set(places=False)
    is_told(await hasty.start(), R.UNREACHABLE, "three other keys")
    car.set(places=True)
    await at_last(hasty.start)


async def test_a_key_the_car_has_forgotten_is_refused_with_or_without_a_session(
    car: Neighbourhood, link: PythonBleLink, tmp_path: Path
) -> None:
    assert (await link.set_amps(9)).ok
    car.tell("forget_keys")
    is_told(await link.set_amps(10), R.NOT_PAIRED, "does not know our key", "pair")
    await link.close()
    fresh = PythonBleLink(VIN, tmp_path / "private.pem", stack=Hurried())
    for call in (fresh.start, fresh.read_body, fresh.read_charge, fresh.wake, fresh.ping):
        is_told(await call(), R.NOT_PAIRED, "does not know our key")
    assert car.state()["heard"] == ["charging-set-amps 9"]
    await fresh.close()


async def test_another_key_is_refused_until_the_car_knows_it_and_then_used_at_once(
    car: Neighbourhood, link: PythonBleLink, tmp_path: Path
) -> None:
    assert (await link.ping()).ok
    generate_key(tmp_path / "private.pem", replace=True)
    is_told(await link.start(), R.NOT_PAIRED, "pair")
    role = "ROLE_CHARGING_MANAGER"
    car.tell("admit", key=public_hex(tmp_path / "private.pem"), role=role)
    assert (await link.start()).ok


async def test_no_key_is_a_matter_of_settings(car: Neighbourhood, tmp_path: Path) -> None:
    link = PythonBleLink(VIN, tmp_path / "none.pem", stack=Hurried())
    is_told(await link.start(), R.CONFIG, "there is no key", "make one first")
    (tmp_path / "none.pem").write_text("no key at all")
    is_told(await link.start(), R.CONFIG, "no private key")
    assert car.state()["scans"] == 0


async def test_a_key_that_may_only_look_cannot_charge(car: Neighbourhood, tmp_path: Path) -> None:
    link = paired(car, tmp_path, role="ROLE_VEHICLE_MONITOR")
    assert (await link.read_charge()).ok
    is_told(await link.start(), R.ROLE, "does not let it charge")
    assert car.state()["heard"] == []
    await link.close()


@pytest.mark.parametrize(
    ("fault", "wanted", "word"),
    [
        ("INVALID_SIGNATURE", R.SESSION, "session"),
        ("INVALID_TOKEN_OR_COUNTER", R.SESSION, "session"),
        ("INCORRECT_EPOCH", R.SESSION, "session"),
        ("TIME_EXPIRED", R.SESSION, "session"),
        ("INACTIVE_KEY", R.NOT_PAIRED, "pair"),
        ("INTERNAL", R.BUSY, "busy"),
        ("TIMEOUT", R.BUSY, "busy"),
        ("BAD_PARAMETER", R.CAR_REFUSED, ""),
    ],
)
async def test_each_refusal_of_the_car_has_its_class(
    car: Neighbourhood, link: PythonBleLink, fault: str, wanted: R, word: str
) -> None:
    car.set(fault=fault)
    is_told(await link.stop(), wanted, word)
    car.set(fault="")
    assert (await link.set_amps(6)).ok


async def test_a_busy_car_is_worth_another_try_soon(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    car.set(busy=1)
    is_told(await link.start(), R.BUSY, "busy or still waking up")
    assert (await link.start()).result_class is R.OK


async def test_mobile_access_switched_off_is_said(car: Neighbourhood, link: PythonBleLink) -> None:
    car.set(remote_access=False)
    is_told(await link.start(), R.DISABLED, "mobile access is switched off in the car")


async def test_without_an_adapter_nothing_happens_until_there_is_one(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    car.set(adapter="")
    is_told(await link.start(), R.ADAPTER, "no Bluetooth adapter")
    car.set(adapter="hci0")
    assert (await link.start()).ok


async def test_an_adapter_that_comes_back_under_another_name_is_used(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    assert (await link.set_amps(9)).ok
    car.set(adapter="hci1")
    # BlueZ does not always say that the link is gone with its adapter.
    first = await link.set_amps(10)
    assert first.result_class in (R.UNREACHABLE, R.ADAPTER, R.UNKNOWN_RESULT)
    assert (await link.set_amps(11)).ok
    assert car.state()["heard"] == ["charging-set-amps 9", "charging-set-amps 11"]


async def test_an_adapter_that_is_switched_off_is_an_adapter_fault(
    car: Neighbourhood, link: PythonBleLink
) -> None:
    car.set(powered=False)
    is_told(await link.start(), R.ADAPTER, "switch it on")
    car.set(powered=True)
    for _ in range(200):
        if (await link.start()).ok:
            break
        # The bus tells the driver of the adapter a moment after it told us.
        await asyncio.sleep(0.05)
    else:
        pytest.fail("the adapter is switched on, and the driver does not use it")


async def test_a_named_adapter_that_is_not_there_is_an_adapter_fault(
    car: Neighbourhood, tmp_path: Path
) -> None:
    link = paired(car, tmp_path, adapter="hci7")
    is_told(await link.start(), R.ADAPTER, "no Bluetooth adapter", "hci7")


async def test_without_a_system_bus_the_host_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    is_told(await unpaired(tmp_path).start(), R.ADAPTER, "no system bus", "host")


async def test_a_bus_without_bluez_is_told_from_a_bus_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with short_folder() as folder, PrivateBus(folder) as bus:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
        is_told(await unpaired(tmp_path).start(), R.ADAPTER, "BlueZ does not run")


async def test_a_bus_that_starts_again_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with short_folder() as folder:
        with Neighbourhood(folder, VIN) as first:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", first.address)
            link = paired(first, tmp_path, reach_within_s=5.0)
            assert (await link.set_amps(9)).ok
        # The first call may have been under way when the bus broke: nobody knows how far it came.
        broken = await link.set_amps(10)
        assert broken.result_class in (R.ADAPTER, R.UNKNOWN_RESULT)
        assert "system bus" in broken.text
        is_told(await link.set_amps(10), R.ADAPTER, "no system bus")
        (folder / "bus").unlink(missing_ok=True)
        (folder / "control").unlink(missing_ok=True)
        with Neighbourhood(folder, VIN) as second:
            key = public_hex(tmp_path / "private.pem")
            second.tell("admit", key=key, role="ROLE_CHARGING_MANAGER")
            await at_last(lambda: link.set_amps(11))
            assert second.state()["request_amps"] == 11
        await link.close()
