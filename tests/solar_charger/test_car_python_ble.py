from __future__ import annotations

import asyncio
import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import pytest
from solar_charger.car import python_ble_stack
from solar_charger.car.keys import generate_key, load_key
from solar_charger.car.link import ResultClass as R
from solar_charger.car.link import VehicleLink
from solar_charger.car.python_ble import PythonBleLink
from solar_charger.car.python_ble_errors import classify_answer, classify_error
from solar_charger.car.python_ble_stack import DriverUnavailableError, TeslaFleetApi
from solar_charger.car.results import Command
from solar_charger.measurements import SleepStatus
from solar_charger.testing.house import Car

from tests.solar_charger.fakes import body_state, car_state

Answer = dict[str, dict[str, Any]]
VIN = "5YJ3E1EA7KF000316"
HAS_PACKAGE = importlib.util.find_spec("tesla_fleet_api") is not None
needs_package = pytest.mark.skipif(
    not HAS_PACKAGE, reason="tesla-fleet-api needs Python 3.13 and is not installed here"
)


class FleetError(BaseException):
    """Like the package's base class, no Exception."""


def fault(name: Any, base: type[BaseException] = FleetError) -> Any:
    return type(name, (base,), {})


class FakeVehicle:
    """The package's vehicle around our car; `raises` spoils one call."""

    def __init__(self, car: Car) -> None:
        self.car = car
        self.device: object = None
        self.connected = False
        self.calls: list[Any] = []
        self.raises: dict[object, BaseException] = {}
        self.hangs: set[str] = set()
        self.hanging = asyncio.Event()

    async def _call(self, name: Any) -> None:
        self.calls.append(name)
        if name in self.hangs:
            self.hanging.set()
            await asyncio.Event().wait()
        if name in self.raises:
            raise self.raises[name]

    async def find_vehicle(
        self, name: Any = None, address: Any = None, scanner: Any = None
    ) -> None:
        self.calls.append(("scanner", scanner))
        await self._call("find_vehicle")
        self.device = object()

    async def connect_if_needed(self, max_attempts: int = 3) -> None:
        await self._call("connect_if_needed")
        self.connected = True

    async def disconnect(self) -> bool:
        await self._call("disconnect")
        self.connected = False
        return True

    async def _command(self, name: Any, word: str, argument: int | None = None) -> Answer:
        await self._call(name)
        if self.car.asleep:
            raise fault("BluetoothTimeout")()
        reason = self.car.command(word, argument)
        return {"response": {"result": reason is None, "reason": reason or ""}}

    async def set_charging_amps(self, charging_amps: int) -> Answer:
        return await self._command("amps", "charging-set-amps", charging_amps)

    async def charge_start(self) -> Answer:
        return await self._command("start", "charging-start")

    async def charge_stop(self) -> Answer:
        return await self._command("stop", "charging-stop")

    async def set_charge_limit(self, percent: int) -> Answer:
        return await self._command("limit", "charging-set-limit", percent)

    async def ping(self) -> Answer:
        return await self._command("ping", "ping")

    async def wake_up(self, wait: bool = False, timeout: float = 30) -> Answer:
        assert wait
        await self._call("wake")
        self.car.asleep = False
        return {"response": {"result": True, "reason": ""}}

    async def pair(self, role: Any = None, form: Any = None, timeout: float = 300) -> None:
        await self._call(("pair", role))

    async def charge_state(self) -> dict[str, Any]:
        await self._call("charge_state")
        if self.car.asleep:
            raise fault("BluetoothTimeout")()
        return self.car.charge_state()

    async def vehicle_state(self) -> dict[str, Any]:
        await self._call("vehicle_state")
        return self.car.body_state()


class FakeStack:
    base_error: type[BaseException] = FleetError
    charging_manager = "charging manager"

    def __init__(self, car: Car) -> None:
        self.made = FakeVehicle(car)

    def vehicle(self, vin: str, key: Any) -> FakeVehicle:
        return self.made

    def scanner(self, adapter: str) -> str | None:
        return adapter or None

    def as_dict(self, message: Any) -> Any:
        return message


@pytest.fixture
def car() -> Car:
    return Car(vin=VIN)


@pytest.fixture
def stack(car: Car) -> FakeStack:
    return FakeStack(car)


@pytest.fixture
def link(stack: FakeStack, tmp_path: Path) -> PythonBleLink:
    generate_key(tmp_path / "private.pem")
    return PythonBleLink(
        VIN, tmp_path / "private.pem", "hci1", stack=stack, reach_within_s=0.3, answer_within_s=0.3
    )


def test_it_is_a_vehicle_link(link: PythonBleLink) -> None:
    assert isinstance(link, VehicleLink)
    assert link.proves_home
    assert not link.wakes_by_itself


async def test_a_batch_finds_the_car_once_on_our_adapter_and_leaves_it(
    link: PythonBleLink, stack: FakeStack, car: Car
) -> None:
    assert (await link.set_amps(24)).ok
    assert (await link.start()).ok
    assert (await link.start()).result_class is R.OK_ALREADY
    assert car_state((await link.read_charge()).data).battery_level == 65
    assert body_state((await link.read_body()).data).sleep is SleepStatus.AWAKE
    assert car.amps == 24
    assert stack.made.calls.count("find_vehicle") == 1
    assert ("scanner", "hci1") in stack.made.calls
    await link.close()
    assert not stack.made.connected
    assert (await link.stop()).ok
    assert stack.made.calls.count("find_vehicle") == 2


async def test_a_sleeping_car_is_told_by_its_body_controller_and_woken(
    link: PythonBleLink, car: Car
) -> None:
    car.asleep = True
    assert (await link.start()).result_class is R.ASLEEP
    assert (await link.read_charge()).result_class is R.ASLEEP
    assert car.heard == []
    assert (await link.wake()).ok
    assert (await link.start()).ok


async def test_a_timeout_right_after_the_wake_is_no_fault(
    link: PythonBleLink, stack: FakeStack, car: Car
) -> None:
    stack.made.raises["wake"] = fault("BluetoothTimeout")()
    assert (await link.wake()).result_class is R.OK
    car.asleep = True
    assert (await link.wake()).result_class is R.TIMEOUT


async def test_an_unknown_outcome_is_never_success(link: PythonBleLink, stack: FakeStack) -> None:
    stack.made.raises["stop"] = fault("BluetoothUnconfirmedCommand")()
    assert (await link.stop()).result_class is R.UNKNOWN_RESULT
    stack.made.raises.clear()
    stack.made.hangs.add("stop")
    assert (await link.stop()).result_class is R.TIMEOUT
    assert not stack.made.connected


async def test_a_car_that_is_not_heard_is_out_of_reach_and_nothing_is_sent(
    link: PythonBleLink, stack: FakeStack, car: Car
) -> None:
    stack.made.raises["find_vehicle"] = ValueError("Device S…C not found")
    assert (await link.start()).result_class is R.UNREACHABLE
    stack.made.raises = {}
    stack.made.hangs.add("connect_if_needed")
    assert (await link.start()).result_class is R.UNREACHABLE
    assert car.heard == []


async def test_pairing_asks_for_the_small_role(link: PythonBleLink, stack: FakeStack) -> None:
    assert (await link.pair()).ok
    assert ("pair", "charging manager") in stack.made.calls
    stack.made.raises[("pair", "charging manager")] = fault("BluetoothTimeout")()
    nobody = await link.pair()
    assert nobody.result_class is R.TIMEOUT
    assert "key card" in nobody.text


async def test_without_a_key_nothing_is_tried(stack: FakeStack, tmp_path: Path) -> None:
    result = await PythonBleLink(VIN, tmp_path / "none.pem", stack=stack).start()
    assert result.result_class is R.CONFIG
    assert stack.made.calls == []


async def test_a_cancelled_call_is_cancelled_and_the_next_one_works(
    link: PythonBleLink, stack: FakeStack
) -> None:
    stack.made.hangs.add("start")
    task = asyncio.create_task(link.start())
    async with asyncio.timeout(5):
        await stack.made.hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await link.set_amps(5)).ok


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("TeslaFleetMessageFaultBusy", R.BUSY),
        ("TeslaFleetMessageFaultTimeout", R.BUSY),
        ("TeslaFleetMessageFaultInternal", R.BUSY),
        ("TeslaFleetMessageFaultUnknownKeyId", R.NOT_PAIRED),
        ("TeslaFleetMessageFaultInactiveKey", R.NOT_PAIRED),
        ("NotOnWhitelistFault", R.NOT_PAIRED),
        ("SignedMessageInformationFaultNotOnWhitelist", R.NOT_PAIRED),
        ("TeslaFleetMessageFaultInsufficientPrivileges", R.ROLE),
        ("TeslaFleetMessageFaultRemoteAccessDisabled", R.DISABLED),
        ("TeslaFleetMessageFaultIncorrectEpoch", R.SESSION),
        ("TimeExpiredFault", R.SESSION),
        ("TeslaFleetMessageFaultBadParameter", R.CAR_REFUSED),
        ("BluetoothUnconfirmedCommand", R.UNKNOWN_RESULT),
        ("BluetoothTransportError", R.UNREACHABLE),
        ("BluetoothTimeout", R.UNREACHABLE),
        ("BluetoothCommandFailed", R.BUSY),
        ("PrivateKeyError", R.CONFIG),
    ],
)
def test_each_fault_of_the_package_has_its_class(name: Any, wanted: R) -> None:
    assert classify_error(Command.START, fault(name)()) is wanted
    if HAS_PACKAGE:
        assert hasattr(importlib.import_module("tesla_fleet_api.exceptions"), name)


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (FileNotFoundError(2, "No such file or directory"), R.ADAPTER),
        (PermissionError(13, "Permission denied"), R.PERMISSION),
        (
            fault("BleakDBusError", Exception)("[org.bluez.Error.NotReady] Resource Not Ready"),
            R.ADAPTER,
        ),
        (
            fault("BleakDBusError", Exception)("[org.freedesktop.DBus.Error.AccessDenied] x"),
            R.PERMISSION,
        ),
        (
            fault("BleakBluetoothNotAvailableError", Exception)("No Bluetooth adapters found."),
            R.ADAPTER,
        ),
        (fault("BleakDeviceNotFoundError", Exception)("gone"), R.UNREACHABLE),
        (fault("BleakError", Exception)("failed to discover services"), R.UNREACHABLE),
        (KeyError("surprise"), R.OTHER),
    ],
)
def test_the_radio_stack_is_told_from_the_car(error: BaseException, wanted: R) -> None:
    assert classify_error(Command.START, error) is wanted
    wrapped = fault("BluetoothTransportError")("transport failed")
    wrapped.__cause__ = error
    if wanted in (R.ADAPTER, R.PERMISSION):
        assert classify_error(Command.START, wrapped) is wanted


def test_a_refusal_as_a_value_goes_through_the_table() -> None:
    refused = {"response": {"result": False, "reason": "is_charging"}}
    assert classify_answer(Command.START, refused)[0] is R.OK_ALREADY
    assert classify_answer(Command.STOP, refused)[0] is R.CAR_REFUSED
    tired = {"response": {"result": False, "reason": "Too many retries"}}
    assert classify_answer(Command.START, tired)[0] is R.BUSY
    assert classify_answer(Command.START, None)[0] is R.OTHER
    assert classify_answer(Command.START, {"response": {"result": 1}})[0] is not R.OK


def test_where_the_package_is_missing_the_other_drivers_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(python_ble_stack, "PACKAGE", "no_such_package")
    with pytest.raises(DriverUnavailableError, match="relay or tesla_control"):
        TeslaFleetApi()


@needs_package
def test_the_real_package_is_made_with_careful_settings(tmp_path: Path) -> None:
    generate_key(tmp_path / "private.pem")
    stack = TeslaFleetApi()
    car: Any = stack.vehicle(VIN, load_key(tmp_path / "private.pem"))
    assert car.raise_unconfirmed is True
    assert car.wake_if_asleep is False
    assert car.keepalive_interval is None
    assert car.confirmation == "ack"
    assert car.ble_name == "S" + hashlib.sha1(VIN.encode()).hexdigest()[:16] + "C"
    assert issubclass(stack.base_error, BaseException)
    assert not issubclass(stack.base_error, Exception)
    assert stack.charging_manager


@needs_package
def test_the_real_messages_are_read(tmp_path: Path) -> None:
    from solar_charger.car.charge_state import parse_body_state, parse_charge_state
    from tesla_protocol.command.vcsec_pb2 import VehicleStatus
    from tesla_protocol.command.vehicle_pb2 import ChargeState

    stack = TeslaFleetApi()
    body = parse_body_state(
        stack.as_dict(VehicleStatus(vehicleSleepStatus="VEHICLE_SLEEP_STATUS_ASLEEP"))
    )
    assert body.sleep is SleepStatus.ASLEEP
    message = ChargeState(battery_level=0, charger_actual_current=24)
    message.charging_state.Charging.SetInParent()
    state = parse_charge_state(stack.as_dict(message))
    assert (state.battery_level, state.charger_actual_current) == (0, 24)
    assert state.charging_state.value == "Charging"
    assert state.charge_limit_soc is None


@needs_package
async def test_without_a_system_bus_the_real_stack_says_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")
    generate_key(tmp_path / "private.pem")
    result = await PythonBleLink(VIN, tmp_path / "private.pem").start()
    assert result.result_class is R.ADAPTER, result


@pytest.mark.parametrize(
    "error", [EOFError(), BrokenPipeError(32, "Broken pipe"), OSError(9, "Bad file descriptor")]
)
async def test_a_bus_that_breaks_under_a_command_leaves_it_doubtful(
    link: PythonBleLink, stack: FakeStack, error: Exception
) -> None:
    stack.made.raises["stop"] = error
    result = await link.stop()
    assert result.result_class is R.UNKNOWN_RESULT
    assert "system bus broke" in result.text
    stack.made.raises["vehicle_state"] = error
    assert (await link.read_body()).result_class is R.ADAPTER


async def test_a_fault_nobody_foresaw_leaves_a_command_doubtful(
    link: PythonBleLink, stack: FakeStack
) -> None:
    stack.made.raises["start"] = KeyError("surprise")
    assert (await link.start()).result_class is R.UNKNOWN_RESULT
    stack.made.raises["charge_state"] = KeyError("surprise")
    assert (await link.read_charge()).result_class is R.OTHER
