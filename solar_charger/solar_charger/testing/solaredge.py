"""A simulated SolarEdge inverter with meter: Modbus TCP with SunSpec blocks.

The frames are made here from the Modbus Messaging on TCP/IP guide and owe nothing to the library
our reader uses. Like the real one it serves one connection at a time.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Self

from .house import House

_READ_HOLDING = 3
_ILLEGAL_ADDRESS = 2
_NOT_IMPLEMENTED = 0x8000
_AMPS_SCALE = -2
_VOLTS_SCALE = -1
_BATTERY_POWER, _BATTERY_SOC = 62836, 62852


class FakeSolarEdge:
    """`async with` starts and stops it."""

    def __init__(self, house: House, *, port: int = 0, unit: int = 1) -> None:
        self.house = house
        self.port = port
        self.unit = unit
        self.base = 40000
        self.has_meter = True
        self.has_battery = False
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def host(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop the connection."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writers:
            writer.transport.abort()
            return
        self.connections += 1
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readexactly(7)
                transaction, _protocol, length, unit = struct.unpack(">HHHB", head)
                reply = self._reply(await reader.readexactly(length - 1), unit)
                writer.write(struct.pack(">HHHB", transaction, 0, len(reply) + 1, unit) + reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _reply(self, request: bytes, unit: int) -> bytes:
        function = request[0]
        if function != _READ_HOLDING or unit != self.unit:
            return bytes([function | 0x80, 1])
        address, count = struct.unpack(">HH", request[1:5])
        registers = self.registers()
        wanted = [registers.get(address + offset) for offset in range(count)]
        if not 0 < count <= 125 or any(register is None for register in wanted):
            return bytes([function | 0x80, _ILLEGAL_ADDRESS])
        return struct.pack(f">BB{count}H", function, 2 * count, *wanted)

    def registers(self) -> dict[int, int]:
        """Every readable register."""
        blocks = [self._block(1, [0] * 66), self._block(self._inverter_id, self._inverter())]
        if self.has_meter:
            blocks += [self._block(1, [0] * 65), self._block(self._meter_id, self._meter())]
        chain = [0x5375, 0x6E53, *(register for block in blocks for register in block), 0xFFFF, 0]
        registers = {self.base + index: register for index, register in enumerate(chain)}
        if self.has_battery:
            registers |= _float(_BATTERY_POWER, -self.house.battery_w)
            registers |= _float(_BATTERY_SOC, self.house.battery_soc)
        return registers

    @property
    def _inverter_id(self) -> int:
        return {1: 101, 2: 102, 3: 103}[self.house.legs]

    @property
    def _meter_id(self) -> int:
        return {1: 201, 2: 202, 3: 203}[self.house.legs]

    @staticmethod
    def _block(model_id: int, registers: list[int]) -> list[int]:
        return [model_id, len(registers), *registers]

    def _inverter(self) -> list[int]:
        house = self.house
        battery = house.battery_w if self.has_battery else 0.0
        registers = [_NOT_IMPLEMENTED] * 50
        registers[8] = round(house.leg_volts * 10)
        registers[11] = _signed(_VOLTS_SCALE)
        registers[12] = _signed(round(house.pv_w + battery))
        registers[13] = _signed(0)
        return registers

    def _meter(self) -> list[int]:
        """Power is positive on export, as SolarEdge's meters write it."""
        house = self.house
        registers = [_NOT_IMPLEMENTED] * 105
        legs = house.per_leg(-house.grid_w)
        for index, watts in enumerate(legs):
            registers[1 + index] = _signed(round(abs(watts) / house.leg_volts * 100))
            registers[17 + index] = _signed(round(watts))
        registers[4] = _signed(_AMPS_SCALE)
        registers[5] = _signed(round(house.leg_volts * 10))
        registers[13] = _signed(_VOLTS_SCALE)
        registers[16] = _signed(round(sum(legs)))
        registers[20] = _signed(0)
        return registers


def _signed(value: int) -> int:
    return value & 0xFFFF


def _float(address: int, value: float) -> dict[int, int]:
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return {address: low, address + 1: high}
