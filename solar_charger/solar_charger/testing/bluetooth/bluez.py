"""A stand-in for BlueZ: one adapter and, in its neighbourhood, one car.

Names, order of signals and error texts follow BlueZ 5.66 (`doc/adapter-api.txt`,
`doc/device-api.txt`, `src/device.c`) as far as a client that scans and connects can notice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from dbus_fast import DBusError, Variant

from .gatt import Gatt, Hear
from .objects import NOTHING, Answer, Call, Objects, Properties

NAME = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
ADDRESS = "5C:F8:21:00:03:16"
_FAILED = "org.bluez.Error.Failed"


def advertised_name(vin: str) -> str:
    """`S`, the first 16 hex digits of the VIN's SHA-1, `C`: what the car calls itself."""
    return f"S{hashlib.sha1(vin.encode()).hexdigest()[:16]}C"


@dataclass
class Air:
    """What a test sets about the radio; seconds where a name ends in `_s`."""

    adapter: str = "hci0"
    """Empty: there is none."""
    powered: bool = True
    in_range: bool = True
    places: bool = True
    """False: three keys are connected already, so the car lets nobody else in."""
    announce_s: float = 0.05
    forget_s: float = 30.0
    """BlueZ forgets a device it has not bonded with so long after the scan."""
    idle_s: float = 35.0
    """The car leaves a link nobody uses."""
    fade_s: float = 0.2
    """The link is lost so long after the car has gone."""
    hang_up: bool = False
    """The car leaves when it has heard a message, before it answers."""


class Radio:
    """BlueZ on a bus, and how often it was used."""

    def __init__(self, objects: Objects, vin: str, hear: Hear) -> None:
        self.air = Air()
        self.scans = 0
        self.connections = 0
        self._objects = objects
        self._name = advertised_name(vin)
        self._hear = hear
        self._scanning: dict[str, asyncio.Task[None]] = {}
        self._attempt: asyncio.Future[None] | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._adapter = ""
        self._device = ""
        self.gatt = Gatt(objects, "", hear)
        methods = objects.methods
        methods[(ADAPTER, "SetDiscoveryFilter")] = self._set_filter
        methods[(ADAPTER, "StartDiscovery")] = self._start_discovery
        methods[(ADAPTER, "StopDiscovery")] = self._stop_discovery
        methods[(ADAPTER, "RemoveDevice")] = self._remove_device
        methods[(DEVICE, "Connect")] = self._connect
        methods[(DEVICE, "Disconnect")] = self._disconnect

    @property
    def connected(self) -> bool:
        """Whether a link to the car stands."""
        return bool(self._objects.value(self._device, DEVICE, "Connected"))

    @property
    def writes(self) -> int:
        """Messages written to the car since the adapter came."""
        return self.gatt.writes

    def apply(self, air: Air) -> None:
        """Take over what a test has set."""
        before, self.air = self.air, air
        path = f"/org/bluez/{air.adapter}" if air.adapter else ""
        if path != self._adapter:
            self._unplug()
            self._plug(path)
        elif path and air.powered != before.powered:
            self._objects.change(path, ADAPTER, {"Powered": Variant("b", air.powered)})
            if not air.powered:
                self.lose_link()
        if not air.in_range and self.connected:
            self._later("fade", air.fade_s, self.lose_link)

    def lose_link(self) -> None:
        """The link ends, whoever wanted it."""
        self._cancel("idle")
        self._cancel("fade")
        if not self.connected:
            return
        self.gatt.vanish()
        gone = {"ServicesResolved": Variant("b", False), "Connected": Variant("b", False)}
        self._objects.change(self._device, DEVICE, gone)
        self._later("forget", self.air.forget_s, self._forget)

    def _plug(self, path: str) -> None:
        self._adapter = path
        if not path:
            self._device = ""
            return
        self._device = f"{path}/dev_{ADDRESS.replace(':', '_')}"
        self.gatt = Gatt(self._objects, self._device, self._hear)
        self.gatt.active = self._stir
        self.gatt.heard = self._heard
        self._objects.add(
            path,
            ADAPTER,
            {
                "Address": Variant("s", "00:1A:7D:DA:71:13"),
                "AddressType": Variant("s", "public"),
                "Name": Variant("s", "house"),
                "Alias": Variant("s", "house"),
                "Powered": Variant("b", self.air.powered),
                "Discovering": Variant("b", False),
                "Roles": Variant("as", ["central", "peripheral"]),
                "UUIDs": Variant("as", []),
            },
        )

    def _unplug(self) -> None:
        for task in self._scanning.values():
            task.cancel()
        self._scanning.clear()
        for name in list(self._timers):
            self._cancel(name)
        if self._attempt is not None and not self._attempt.done():
            self._attempt.set_exception(DBusError(_FAILED, "le-connection-abort-by-local"))
        if self._adapter:
            self._objects.remove(self._adapter)

    async def _set_filter(self, call: Call) -> Answer:
        return NOTHING

    async def _start_discovery(self, call: Call) -> Answer:
        if not self.air.powered:
            raise DBusError("org.bluez.Error.NotReady", "Resource Not Ready")
        if call.sender in self._scanning:
            raise DBusError("org.bluez.Error.InProgress", "Operation already in progress")
        self.scans += 1
        self._cancel("forget")
        task = asyncio.get_running_loop().create_task(self._announce())
        self._scanning[call.sender] = task
        self._objects.change(call.path, ADAPTER, {"Discovering": Variant("b", True)})
        return NOTHING

    async def _stop_discovery(self, call: Call) -> Answer:
        task = self._scanning.pop(call.sender, None)
        if task is None:
            raise DBusError(_FAILED, "No discovery started")
        task.cancel()
        if not self._scanning:
            self._objects.change(call.path, ADAPTER, {"Discovering": Variant("b", False)})
            if self._objects.has(self._device):
                self._objects.change(self._device, DEVICE, {}, "RSSI", "TxPower")
                if not self.connected:
                    self._later("forget", self.air.forget_s, self._forget)
        return NOTHING

    async def _announce(self) -> None:
        """What the adapter hears while it scans: the name comes after the address."""
        loud = False
        while True:
            await asyncio.sleep(self.air.announce_s)
            if not self.air.in_range or self.connected:
                continue
            if not self._objects.has(self._device):
                self._objects.add(self._device, DEVICE, self._new_device())
                await asyncio.sleep(self.air.announce_s)
            loud = not loud
            heard: Properties = {"RSSI": Variant("n", -61 if loud else -63)}
            if self._objects.value(self._device, DEVICE, "Name") is None:
                heard["Name"] = heard["Alias"] = Variant("s", self._name)
            self._objects.change(self._device, DEVICE, heard)

    def _new_device(self) -> Properties:
        return {
            "Address": Variant("s", ADDRESS),
            "AddressType": Variant("s", "public"),
            "Alias": Variant("s", ADDRESS.replace(":", "-")),
            "Paired": Variant("b", False),
            "Bonded": Variant("b", False),
            "Trusted": Variant("b", False),
            "Blocked": Variant("b", False),
            "LegacyPairing": Variant("b", False),
            "Connected": Variant("b", False),
            "ServicesResolved": Variant("b", False),
            "UUIDs": Variant("as", []),
            "Adapter": Variant("o", self._adapter),
            "RSSI": Variant("n", -62),
        }

    async def _remove_device(self, call: Call) -> Answer:
        if not self._objects.has(call.body[0]):
            raise DBusError("org.bluez.Error.DoesNotExist", "Does Not Exist")
        self.lose_link()
        self._forget()
        return NOTHING

    async def _connect(self, call: Call) -> Answer:
        if not self.air.powered:
            raise DBusError("org.bluez.Error.NotReady", "Resource Not Ready")
        if self.connected or self._attempt is not None:
            raise DBusError("org.bluez.Error.InProgress", "In Progress")
        self._cancel("forget")
        if not self.air.in_range or not self.air.places:
            await self._call_into_the_dark()
        self.connections += 1
        self._objects.change(self._device, DEVICE, {"Connected": Variant("b", True)})
        self._stir()
        self._later("resolve", self.air.announce_s, self._resolve)
        return NOTHING

    async def _call_into_the_dark(self) -> None:
        """Nobody answers: BlueZ tries on until the client takes its wish back."""
        self._attempt = asyncio.get_running_loop().create_future()
        try:
            await self._attempt
        finally:
            self._attempt = None

    def _resolve(self) -> None:
        if not self.connected:
            return
        self.gatt.appear()
        self._objects.change(self._device, DEVICE, {"ServicesResolved": Variant("b", True)})

    async def _disconnect(self, call: Call) -> Answer:
        if self._attempt is not None and not self._attempt.done():
            self._attempt.set_exception(DBusError(_FAILED, "le-connection-abort-by-local"))
            return NOTHING
        if not self.connected:
            raise DBusError("org.bluez.Error.NotConnected", "Not Connected")
        self.lose_link()
        return NOTHING

    def _stir(self) -> None:
        self._later("idle", self.air.idle_s, self.lose_link)

    def _heard(self) -> None:
        if self.air.hang_up:
            self.lose_link()

    def _forget(self) -> None:
        if self._objects.has(self._device) and not self.connected and not self._scanning:
            self._objects.remove(self._device)

    def _later(self, name: str, seconds: float, work: Callable[[], None]) -> None:
        self._cancel(name)
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, work)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
