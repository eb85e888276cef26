"""SolarEdge inverter with meter over Modbus TCP (unverified on hardware).

SunSpec models for inverter and meter; the battery's two registers and the meter's sign (positive
on export) are those of evcc's `solaredge-hybrid.yaml`. One reader at a time: the inverter takes
no second connection.
"""

from __future__ import annotations

import asyncio
import math
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from ..json_values import UnreadableAnswerError
from ..measurements import Reading
from .readings import PhaseAmps, Readings, SourceError, SourceRefusedError, power, reading
from .sunspec import (
    BASES,
    INVERTERS,
    MARKER,
    MAX_MODELS,
    METERS,
    GridMeter,
    Inverter,
    Model,
    next_model,
    parse_inverter,
    parse_meter,
)

PORTS = (1502, 502)
BATTERY_POWER = 62836
"""32-bit float, low word first, W, positive while charging."""
BATTERY_SOC = 62852
"""32-bit float, low word first, %."""
_MAX_READ = 120
_FLOAT_LIMIT = 1e30


@dataclass(frozen=True, slots=True)
class Layout:
    """What the scan found."""

    inverter: Model
    meter: Model
    battery: bool = False


@dataclass(frozen=True, slots=True)
class Battery:
    """House battery; power + discharging, W, and SOC in %."""

    power_w: float | None
    soc: float | None


def to_readings(
    inverter: Inverter, meter: GridMeter, battery: Battery, now: float, source: str
) -> Readings:
    """Readings of one round; pure. The inverter's AC side holds what the battery gives.

    Raises UnreadableAnswerError where the meter tells no power.
    """
    exported = power(meter.power_w)
    if exported is None:
        raise UnreadableAnswerError("the meter tells no power")
    ac, stored = power(inverter.ac_power_w), power(battery.power_w)
    produced = None if ac is None else max(0.0, ac - (stored or 0.0))
    volts = meter.volts or inverter.volts
    phase_a = _phase_amps(meter)
    return Readings(
        grid_w=Reading(-exported, now, source),
        grid_phase_a=None if phase_a is None else Reading(phase_a, now, source),
        production_w=reading(produced, now, source),
        load_w=reading(None if ac is None else ac - exported, now, source),
        house_battery_w=reading(stored, now, source),
        house_battery_soc=reading(battery.soc, now, source),
        voltage_v=reading(volts if volts and 80 <= volts <= 300 else None, now, source),
    )


def _phase_amps(meter: GridMeter) -> PhaseAmps | None:
    signed = [
        math.copysign(abs(amps), -watts) if amps is not None and watts is not None else None
        for amps, watts in zip(meter.phase_amps, meter.phase_power_w, strict=True)
    ]
    if not any(amps is not None for amps in signed):
        return None
    a, b, c = signed
    return a, b, c


def float_low_word_first(registers: Sequence[int]) -> float | None:
    """A 32-bit float in two registers; None for NaN and the huge values of "not there"."""
    if len(registers) != 2:
        return None
    (value,) = struct.unpack(">f", struct.pack(">HH", registers[1], registers[0]))
    return value if math.isfinite(value) and abs(value) < _FLOAT_LIMIT else None


class SolarEdgeSource:
    """A Pollable that keeps its connection."""

    def __init__(
        self,
        host: str,
        unit: int = 1,
        *,
        clock: Callable[[], float] = time.monotonic,
        timeout_s: float = 5.0,
    ) -> None:
        name, _, port = host.strip().rpartition(":") if host.count(":") == 1 else (host, "", "")
        self._host = name.strip()
        self._ports = (int(port),) if port.isdecimal() else PORTS
        self._unit = unit
        self._clock = clock
        self._timeout_s = timeout_s
        self._client: AsyncModbusTcpClient | None = None
        self._layout: Layout | None = None
        self._lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """The word people see."""
        return "solaredge"

    async def poll(self) -> Readings:
        """Read once.

        Raises SourceError.
        """
        async with self._lock:
            try:
                return await self._poll()
            except (ModbusException, OSError, TimeoutError) as error:
                self._drop()
                raise SourceError(f"SolarEdge inverter: {error}") from error
            except UnreadableAnswerError as error:
                self._layout = None
                raise SourceError(f"SolarEdge inverter: {error}") from error

    def close(self) -> None:
        """Give the inverter's only connection back."""
        self._drop()

    async def _poll(self) -> Readings:
        client = await self._connected()
        if self._layout is None:
            self._layout = await self._scan(client)
        layout = self._layout
        inverter = parse_inverter(await self._block(client, layout.inverter))
        meter = parse_meter(await self._block(client, layout.meter))
        battery = await self._battery(client) if layout.battery else Battery(None, None)
        return to_readings(inverter, meter, battery, self._clock(), self.name)

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self._drop()
        for port in self._ports:
            client = AsyncModbusTcpClient(
                self._host, port=port, timeout=self._timeout_s, retries=0, reconnect_delay=0
            )
            if await client.connect():
                self._client = client
                return client
            client.close()
        ports = " or ".join(map(str, self._ports))
        raise SourceError(f"SolarEdge inverter {self._host} takes no Modbus TCP on port {ports}")

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    async def _scan(self, client: AsyncModbusTcpClient) -> Layout:
        inverter = meter = None
        for model in await self._models(client):
            if model.model_id in INVERTERS and inverter is None:
                inverter = model
            elif model.model_id in METERS and meter is None:
                meter = model
        if inverter is None or meter is None:
            missing = "inverter" if inverter is None else "meter at the grid's edge"
            raise SourceRefusedError(f"SolarEdge: no {missing} in the SunSpec blocks")
        layout = Layout(inverter, meter)
        battery = await self._battery(client)
        return replace(layout, battery=battery.power_w is not None)

    async def _models(self, client: AsyncModbusTcpClient) -> list[Model]:
        address = await self._base(client) + len(MARKER)
        models: list[Model] = []
        while len(models) < MAX_MODELS:
            model = next_model(await self._read(client, address, 2), address)
            if model is None:
                break
            models.append(model)
            address = model.address + model.length
        return models

    async def _base(self, client: AsyncModbusTcpClient) -> int:
        for base in BASES:
            try:
                if tuple(await self._read(client, base, 2)) == MARKER:
                    return base
            except UnreadableAnswerError:
                continue
        raise SourceRefusedError(
            "SolarEdge: no SunSpec marker; is this the inverter's Modbus unit?"
        )

    async def _battery(self, client: AsyncModbusTcpClient) -> Battery:
        try:
            charging = float_low_word_first(await self._read(client, BATTERY_POWER, 2))
            soc = float_low_word_first(await self._read(client, BATTERY_SOC, 2))
        except UnreadableAnswerError:
            return Battery(None, None)
        known = soc if soc is not None and 0 <= soc <= 100 else None
        return Battery(None if charging is None else -charging, known)

    async def _block(self, client: AsyncModbusTcpClient, model: Model) -> list[int]:
        return await self._read(client, model.address, min(model.length, _MAX_READ))

    async def _read(self, client: AsyncModbusTcpClient, address: int, count: int) -> list[int]:
        reply = await client.read_holding_registers(address, count=count, device_id=self._unit)
        if reply.isError() or len(reply.registers) != count:
            raise UnreadableAnswerError(f"no answer at register {address}")
        return list(reply.registers)
