"""The car's GATT service on a connected device: write, listen, read the version."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from dbus_fast import DBusError, Variant

from .frames import Reassembler, chunks, framed
from .objects import NOTHING, Answer, Call, Objects

SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
MTU = 247
VERSION = b"\x00\x05"
_UUID = "0000021{}-b2d1-43f0-9b88-960cebf8b91e"

Hear = Callable[[bytes], bytes | None]
"""What a client wrote, one message; what the car answers."""


class Gatt:
    """One service with three characteristics; there while a link is."""

    def __init__(self, objects: Objects, device: str, hear: Hear) -> None:
        self.writes = 0
        self.active: Callable[[], None] = lambda: None
        """Called at each traffic."""
        self.heard: Callable[[], None] = lambda: None
        """Called when the car has heard a message."""
        self._objects = objects
        self._device = device
        self._hear = hear
        self._frames = Reassembler()
        self._service = f"{device}/service0008"
        self._write_path = f"{self._service}/char0009"
        self._notify_path = f"{self._service}/char000b"
        self._version_path = f"{self._service}/char000e"
        methods = objects.methods
        methods[(CHARACTERISTIC, "WriteValue")] = self._write
        methods[(CHARACTERISTIC, "ReadValue")] = self._read
        methods[(CHARACTERISTIC, "StartNotify")] = self._start_notify
        methods[(CHARACTERISTIC, "StopNotify")] = self._stop_notify

    def appear(self) -> None:
        """The services have been found."""
        self._frames = Reassembler()
        service = {
            "UUID": Variant("s", _UUID.format(1)),
            "Device": Variant("o", self._device),
            "Primary": Variant("b", True),
            "Includes": Variant("ao", []),
        }
        self._objects.add(self._service, SERVICE, service)
        self._add(self._write_path, 2, ["write"])
        # The car indicates, it does not notify: vehicle-command subscribes that way.
        self._add(self._notify_path, 3, ["indicate"])
        self._add(self._version_path, 4, ["read"])

    def vanish(self) -> None:
        """The link is gone."""
        self._objects.remove(self._service)

    def send(self, message: bytes) -> None:
        """The car says something; lost where nobody listens."""
        notifying = self._objects.value(self._notify_path, CHARACTERISTIC, "Notifying")
        if not notifying:
            return
        self.active()
        for chunk in chunks(framed(message), MTU):
            value = {"Value": Variant("ay", chunk)}
            self._objects.change(self._notify_path, CHARACTERISTIC, value)

    def _add(self, path: str, number: int, flags: list[str]) -> None:
        properties = {
            "UUID": Variant("s", _UUID.format(number)),
            "Service": Variant("o", self._service),
            "Value": Variant("ay", b""),
            "Flags": Variant("as", flags),
            "MTU": Variant("q", MTU),
        }
        if "indicate" in flags:
            properties["Notifying"] = Variant("b", False)
        self._objects.add(path, CHARACTERISTIC, properties)

    async def _write(self, call: Call) -> Answer:
        if call.path != self._write_path:
            raise DBusError("org.bluez.Error.NotPermitted", "Write not permitted")
        self.writes += 1
        self.active()
        # A long write reaches the car in pieces.
        for chunk in chunks(bytes(call.body[0]), MTU):
            for message in self._frames.feed(chunk, time.monotonic()):
                self._deliver(message)
        return NOTHING

    def _deliver(self, message: bytes) -> None:
        answer = self._hear(message)
        if answer is not None:
            # After the write has been confirmed, as on the air.
            asyncio.get_running_loop().call_later(0.01, self.send, answer)
        self.heard()

    async def _read(self, call: Call) -> Answer:
        if call.path != self._version_path:
            raise DBusError("org.bluez.Error.NotPermitted", "Read not permitted")
        self.active()
        return "ay", [VERSION]

    async def _start_notify(self, call: Call) -> Answer:
        if call.path != self._notify_path:
            raise DBusError("org.bluez.Error.NotSupported", "Operation is not supported")
        self._objects.change(call.path, CHARACTERISTIC, {"Notifying": Variant("b", True)})
        return NOTHING

    async def _stop_notify(self, call: Call) -> Answer:
        self._objects.change(call.path, CHARACTERISTIC, {"Notifying": Variant("b", False)})
        return NOTHING
