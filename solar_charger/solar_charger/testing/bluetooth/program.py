"""The program: BlueZ and a car on a bus, steered over a Unix socket by lines of JSON.

One request a line, one answer a line: `{"do": "set", "in_range": false}` →
`{"ok": true, "state": {…}}`. Words: `set` (any field of Air, Moods or the car), `tap`, `give_up`,
`reboot`, `forget_keys`, `admit` (key as hex, role), `lose_link`, `reset`, `state`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from dbus_fast.aio import MessageBus
from tesla_protocol.command import keys_pb2 as keys

from ..house import Car
from .bluez import NAME, Air, Radio
from .car import BluetoothCar, Moods
from .objects import Objects

JsonObject = dict[str, Any]


class Neighbour:
    """The car and its radio, and what the control socket does with them."""

    def __init__(self, car: BluetoothCar, radio: Radio) -> None:
        self._car = car
        self._radio = radio
        self._words: dict[str, Callable[[JsonObject], None]] = {
            "state": lambda _: None,
            "set": self._set,
            "tap": lambda _: self._say(car.tap()),
            "give_up": lambda _: self._say(car.give_up()),
            "reboot": lambda _: car.reboot(),
            "forget_keys": lambda _: car.keys.roles.clear(),
            "admit": self._admit,
            "lose_link": lambda _: radio.lose_link(),
            "reset": lambda _: self._reset(),
        }

    def obey(self, request: JsonObject) -> JsonObject:
        """Carry out one request; raises KeyError or TypeError where it makes no sense."""
        self._words[request.pop("do")](request)
        return {"ok": True, "state": self.state()}

    def state(self) -> JsonObject:
        """Everything a test may want to know."""
        radio, car = self._radio, self._car
        roles = [keys.Role.Name(role) for role in car.keys.roles.values()]
        return {
            **asdict(radio.air),
            **asdict(car.moods),
            **asdict(car.car),
            "scans": radio.scans,
            "connections": radio.connections,
            "connected": radio.connected,
            "writes": radio.writes,
            "roles": roles,
            "waits_for_card": car.keys.waiting is not None,
        }

    def _set(self, request: JsonObject) -> None:
        names = {field.name for field in fields(self._radio.air)}
        self._radio.apply(replace(self._radio.air, **_take(request, names)))
        names = {field.name for field in fields(Moods)}
        self._car.moods = replace(self._car.moods, **_take(request, names))
        names = {field.name for field in fields(Car)}
        for name, value in _take(request, names).items():
            setattr(self._car.car, name, value)
        if request:
            raise KeyError(", ".join(request))

    def _reset(self) -> None:
        """As it was at the start, with no key known and every session void."""
        self._radio.apply(replace(self._radio.air, adapter=""))
        self._radio.apply(Air())
        self._radio.scans = self._radio.connections = 0
        self._car.reset()

    def _admit(self, request: JsonObject) -> None:
        role = keys.Role.Value(request["role"])
        self._car.keys.roles[bytes.fromhex(request["key"])] = role

    def _say(self, message: bytes | None) -> None:
        if message is not None and self._radio.connected:
            self._radio.gatt.send(message)


def _take(request: JsonObject, names: set[str]) -> JsonObject:
    return {name: request.pop(name) for name in list(request) if name in names}


async def run(bus_address: str, control: Path, vin: str) -> None:
    """Serve until the bus is gone."""
    bus = await MessageBus(bus_address=bus_address).connect()
    car = BluetoothCar(
        Car(vin=vin),
        ec.generate_private_key(ec.SECP256R1()),
        clock=time.monotonic,
        random=os.urandom,
    )
    objects = Objects(bus)
    radio = Radio(objects, vin, car.receive)
    objects.serve()
    radio.apply(radio.air)
    neighbour = Neighbour(car, radio)
    await bus.request_name(NAME)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            try:
                answer = neighbour.obey(json.loads(line))
            except (KeyError, TypeError, ValueError) as error:
                answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(converse, control)
    async with server:
        gone: Callable[[], Awaitable[None]] = bus.wait_for_disconnect
        await gone()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m solar_charger.testing.bluetooth",
        description="A car with Bluetooth behind a stand-in for BlueZ, on a D-Bus of your own.",
    )
    parser.add_argument("--bus", required=True, help="address of the bus, unix:path=…")
    parser.add_argument("--control", required=True, type=Path, help="Unix socket for commands")
    parser.add_argument("--vin", default=Car.vin)
    given = parser.parse_args()
    asyncio.run(run(given.bus, given.control, given.vin))
