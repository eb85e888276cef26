"""SunSpec models in Modbus registers: the chain, inverters 101…103, meters 201…204; pure.

Public source: SunSpec Information Model Reference. A value is an integer times ten to the power
of its scale factor register; 0x8000 (0xFFFF unsigned) says "not implemented".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..json_values import UnreadableAnswerError

MARKER = (0x5375, 0x6E53)
"""`SunS`."""
BASES = (40000, 50000, 0)
"""Where the marker may lie."""
END = 0xFFFF
INVERTERS = (101, 102, 103)
METERS = (201, 202, 203, 204)
MAX_MODELS = 64
MAX_LENGTH = 2000
_NOT_IMPLEMENTED = 0x8000
_SCALE_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Model:
    """One block: id, address of its first value register (0-based), number of registers."""

    model_id: int
    address: int
    length: int


@dataclass(frozen=True, slots=True)
class Inverter:
    """Models 101…103."""

    ac_power_w: float | None
    volts: float | None
    """Phase A to neutral."""


@dataclass(frozen=True, slots=True)
class GridMeter:
    """Models 201…204; sign as the meter writes it."""

    power_w: float | None
    phase_amps: tuple[float | None, float | None, float | None]
    phase_power_w: tuple[float | None, float | None, float | None]
    volts: float | None
    """Phase to neutral, mean."""


def next_model(header: Sequence[int], address: int) -> Model | None:
    """The block whose two header registers lie at `address`; None at the end of the chain.

    Raises UnreadableAnswerError for a header that cannot be one.
    """
    if len(header) < 2:
        raise UnreadableAnswerError("a SunSpec header of less than two registers")
    model_id, length = header[0], header[1]
    if model_id == END:
        return None
    if model_id == 0 or not 0 < length <= MAX_LENGTH:
        raise UnreadableAnswerError(f"no SunSpec block at {address}: id {model_id}, {length} long")
    return Model(model_id, address + 2, length)


def parse_inverter(registers: Sequence[int]) -> Inverter:
    """Read a block of model 101, 102 or 103 (its registers without the header).

    Raises UnreadableAnswerError where the block is too short.
    """
    block = _Block(registers, at_least=14)
    return Inverter(ac_power_w=block.signed(12, 13), volts=block.unsigned(8, 11))


def parse_meter(registers: Sequence[int]) -> GridMeter:
    """Read a block of model 201…204 (its registers without the header).

    Raises UnreadableAnswerError where the block is too short.
    """
    block = _Block(registers, at_least=21)
    return GridMeter(
        power_w=block.signed(16, 20),
        phase_amps=(block.signed(1, 4), block.signed(2, 4), block.signed(3, 4)),
        phase_power_w=(block.signed(17, 20), block.signed(18, 20), block.signed(19, 20)),
        volts=block.signed(5, 13),
    )


class _Block:
    def __init__(self, registers: Sequence[int], *, at_least: int) -> None:
        if len(registers) < at_least:
            raise UnreadableAnswerError(f"a SunSpec block of {len(registers)} registers")
        self._registers = registers

    def signed(self, index: int, scale_index: int) -> float | None:
        raw = self._registers[index]
        return None if raw == _NOT_IMPLEMENTED else self._scaled(_int16(raw), scale_index)

    def unsigned(self, index: int, scale_index: int) -> float | None:
        raw = self._registers[index]
        return None if raw == END else self._scaled(raw, scale_index)

    def _scaled(self, value: int, scale_index: int) -> float | None:
        raw = self._registers[scale_index]
        scale = _int16(raw)
        if raw == _NOT_IMPLEMENTED or not -_SCALE_LIMIT <= scale <= _SCALE_LIMIT:
            return None
        return float(value * 10.0**scale)


def _int16(register: int) -> int:
    return register - 0x10000 if register >= 0x8000 else register
