"""What the Bluetooth tests share: where they can run, the package in a hurry, our driver."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from solar_charger.car.keys import generate_key, load_key
from solar_charger.car.link import Result
from solar_charger.car.python_ble import PythonBleLink
from solar_charger.car.python_ble_stack import TeslaFleetApi, Vehicle
from solar_charger.testing.bluetooth.neighbourhood import Neighbourhood

VIN = "5YJ3E1EA7KF000316"
PATIENCE_S = 30.0
OURS = "ROLE_CHARGING_MANAGER"


def _missing() -> str:
    if importlib.util.find_spec("tesla_fleet_api") is None:
        return "tesla-fleet-api is not installed here: it needs Python 3.13"
    if shutil.which("dbus-daemon") is None:
        return "there is no dbus-daemon here"
    return ""


needs_bluetooth = pytest.mark.skipif(bool(_missing()), reason=_missing())


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose sockets have short paths, wherever pytest keeps its own."""
    with tempfile.TemporaryDirectory(prefix="bt-") as folder:
        yield Path(folder)


@contextmanager
def neighbourhood() -> Iterator[Neighbourhood]:
    """A bus, BlueZ and a car for the tests of one file."""
    with short_folder() as folder, Neighbourhood(folder, VIN) as cars:
        yield cars


class Hurried(TeslaFleetApi):
    """The real package, waiting a second where it waits five for a real car."""

    def vehicle(self, vin: str, key: Any) -> Vehicle:
        car: Any = super().vehicle(vin, key)
        car._default_timeout = car._actuation_timeout = 1.5
        car._ack_followup_timeout = car._wake_probe_timeout = 0.7
        car._wake_resend_interval = 0.5
        car._infotainment_boot_timeout = 2.0
        hurried: Vehicle = car
        return hurried


def public_hex(key_file: Path) -> str:
    """The public half of a key file, as the car keeps it."""
    public = load_key(key_file).public_key()
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex()


def paired(cars: Neighbourhood, folder: Path, role: str = OURS, **more: Any) -> PythonBleLink:
    """Our driver with a key the car knows."""
    link = unpaired(folder, **more)
    cars.tell("admit", key=public_hex(folder / "private.pem"), role=role)
    return link


def unpaired(folder: Path, **more: Any) -> PythonBleLink:
    """Our driver with a key of its own."""
    generate_key(folder / "private.pem", replace=True)
    return PythonBleLink(VIN, folder / "private.pem", stack=Hurried(), **more)


async def at_last(call: Callable[[], Awaitable[Result]]) -> Result:
    """What a call brings once it succeeds; a busy machine may need more than one."""
    async with asyncio.timeout(PATIENCE_S):
        while not (result := await call()).ok:
            pass
    return result


async def until(what: Callable[[], Any]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(PATIENCE_S):
        while not what():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.02)
