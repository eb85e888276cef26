"""What `python_ble` needs of the package tesla-fleet-api, and the package itself, imported late.

The package needs Python 3.13; everything here is typed against protocols of our own, so a type
check passes without it.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any, Protocol

from ..errors import SolarChargerError

PACKAGE = "tesla_fleet_api"
_TALKATIVE = ("tesla_fleet_api", "bleak", "bleak_retry_connector", "dbus_fast")


class DriverUnavailableError(SolarChargerError):
    """The package is not there; the text names the drivers that work without it."""


class Vehicle(Protocol):
    """The part of the package's `VehicleBluetooth` that is used; messages are protobuf."""

    device: Any

    async def find_vehicle(
        self, name: str | None = None, address: str | None = None, scanner: Any = None
    ) -> Any:
        """Scan until the car's name is heard."""

    async def connect_if_needed(self, max_attempts: int = ...) -> None:
        """Open the link."""

    async def disconnect(self) -> bool:
        """Close the link."""

    async def set_charging_amps(self, charging_amps: int) -> dict[str, Any]:
        """A signed command."""

    async def charge_start(self) -> dict[str, Any]:
        """A signed command."""

    async def charge_stop(self) -> dict[str, Any]:
        """A signed command."""

    async def set_charge_limit(self, percent: int) -> dict[str, Any]:
        """A signed command."""

    async def ping(self) -> dict[str, Any]:
        """A signed command."""

    async def wake_up(self, wait: bool = False, timeout: float = ...) -> dict[str, Any]:
        """Wakes the car."""

    async def pair(self, role: Any = ..., form: Any = ..., timeout: float = ...) -> None:
        """Asks the car to take our key and waits for the tap."""

    async def charge_state(self) -> Any:
        """A ChargeState message."""

    async def vehicle_state(self) -> Any:
        """A VehicleStatus message of the body controller."""


class Stack(Protocol):
    """What has to be made for one car; a test brings its own."""

    base_error: type[BaseException]
    """The package's errors derive from BaseException: `except Exception` misses them."""
    charging_manager: Any
    """The role for `pair`; the package would ask for the owner's."""

    def vehicle(self, vin: str, key: Any) -> Vehicle:
        """The car, not yet connected."""

    def scanner(self, adapter: str) -> Any:
        """An active scanner on one adapter; None for the first adapter."""

    def as_dict(self, message: Any) -> dict[str, Any]:
        """A protobuf message in lowerCamelCase, fields without presence included."""


class TeslaFleetApi:
    """The real stack."""

    def __init__(self) -> None:
        """Raises DriverUnavailableError where the package is not installed."""
        try:
            self._bluetooth = importlib.import_module(f"{PACKAGE}.tesla.bluetooth")
            exceptions = importlib.import_module(f"{PACKAGE}.exceptions")
            keys = importlib.import_module("tesla_protocol.command.keys_pb2")
            self._json = importlib.import_module("google.protobuf.json_format")
            self._bleak = importlib.import_module("bleak")
        except ImportError as error:
            raise DriverUnavailableError(
                "vehicle_link python_ble needs Python 3.13 and the package tesla-fleet-api; "
                f"choose relay or tesla_control instead ({error})"
            ) from error
        _quieten()
        self.base_error: type[BaseException] = exceptions.TeslaFleetError
        self.charging_manager: Any = keys.Role.ROLE_CHARGING_MANAGER

    def vehicle(self, vin: str, key: Any) -> Vehicle:
        """The car; the package's defaults would call an unknown outcome success, wake a sleeping
        car and hold the link open.
        """
        api = self._bluetooth.TeslaBluetooth()
        made: Vehicle = api.vehicles.create(
            vin,
            key=key,
            confirmation="ack",
            keepalive_interval=None,
            raise_unconfirmed=True,
            wake_if_asleep=False,
        )
        return made

    def scanner(self, adapter: str) -> Any:
        """A scanner on the named adapter."""
        return _Scanner(self._bleak, adapter) if adapter else None

    def as_dict(self, message: Any) -> dict[str, Any]:
        """By protobuf's own JSON form."""
        found: dict[str, Any] = self._json.MessageToDict(
            message, always_print_fields_with_no_presence=True
        )
        return found


class _Scanner:
    """Scans on one adapter.

    The package asks its scanner for `find_device_by_name`, which bleak's has as a class method: an
    adapter chosen for the instance would be forgotten there.
    """

    def __init__(self, bleak: Any, adapter: str) -> None:
        self._bleak = bleak
        self._adapter = adapter

    async def find_device_by_name(self, name: str) -> Any:
        """The device, or None where ten seconds do not bring it."""
        return await self._bleak.BleakScanner.find_device_by_name(
            name, scanning_mode="active", bluez={"adapter": self._adapter}
        )


def _quieten() -> None:
    """A line at each connection, and one about a missing bluetoothctl, are for whoever debugs."""
    if logging.getLogger().getEffectiveLevel() <= logging.DEBUG:
        return
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
