"""The one place where hard limits are enforced: asked about every command before it leaves.

Independent of the controller on purpose: it trusts neither its arithmetic nor its state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .command import HARMLESS, Command, Kind
from .measurements import PlugState
from .settings import Mode, Settings

HIGHEST_A = 80
LIMIT_RANGE = (50, 100)


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate knows when it is asked; None is "not known", never zero."""

    max_amps: int
    circuit_limit: int
    car_max: int | None
    plug: PlugState
    home: bool
    measured_amps: float | None
    accepted_amps: int | None
    mode: Mode
    live: bool
    foreign_charger: bool = False

    @property
    def highest(self) -> int:
        """min(circuit, max, car), never above 80 A nor below 0."""
        highest = min(self.max_amps, self.circuit_limit, HIGHEST_A)
        if self.car_max is not None and math.isfinite(self.car_max):
            highest = min(highest, int(self.car_max))
        return max(0, highest)


def gate_of(
    settings: Settings,
    mode: Mode,
    live: bool,
    plug: PlugState,
    home: bool,
    measured_amps: float | None,
    accepted_amps: int | None,
    car_max: int | None,
    foreign_charger: bool = False,
) -> Gate:
    """A gate from settings and the present view."""
    return Gate(
        max_amps=settings.max_amps,
        circuit_limit=settings.circuit_limit,
        car_max=car_max,
        plug=plug,
        home=home,
        measured_amps=measured_amps,
        accepted_amps=accepted_amps,
        mode=mode,
        live=live,
        foreign_charger=foreign_charger,
    )


def refusal(command: Command, gate: Gate) -> str:
    """Why `command` must not leave the process; empty: it may."""
    kind = command.kind
    if kind in HARMLESS:
        return ""
    value_refused = _value_refusal(command, gate)
    if value_refused:
        return value_refused
    if not gate.live:
        return "dry run: only reads, ping and the pairing request go out"
    if kind is Kind.STOP:
        return "" if gate.plug is not PlugState.UNPLUGGED else "the car is not plugged in here"
    if gate.mode is Mode.OFF or gate.foreign_charger:
        return "mode OFF: nothing but a stop goes out"
    if kind is Kind.WAKE:
        return ""
    if command.normalize and kind in (Kind.SET_AMPS, Kind.SET_LIMIT):
        unplugged = gate.plug is PlugState.UNPLUGGED
        return "" if unplugged else "normalisation only while unplugged"
    return _home_refusal(command, gate)


def _value_refusal(command: Command, gate: Gate) -> str:
    value = command.value
    if command.kind is Kind.SET_AMPS:
        if not _whole(value):
            return f"{value!r} is no whole number of amperes"
        assert value is not None
        if not 0 <= value <= gate.highest:
            return f"{value} A is outside 0…{gate.highest} A"
    if command.kind is Kind.SET_LIMIT:
        if not _whole(value):
            return f"{value!r} is no whole percentage"
        assert value is not None
        if not LIMIT_RANGE[0] <= value <= LIMIT_RANGE[1]:
            return f"{value} % is outside {LIMIT_RANGE[0]}…{LIMIT_RANGE[1]} %"
    return ""


def _whole(value: object) -> bool:
    """An int that is no bool: floats and NaN have no business here."""
    return isinstance(value, int) and not isinstance(value, bool)


def _home_refusal(command: Command, gate: Gate) -> str:
    if gate.home and gate.plug is PlugState.PLUGGED:
        return ""
    if command.kind is Kind.SET_AMPS and gate.plug is not PlugState.UNPLUGGED:
        present = gate.measured_amps
        if present is None or not math.isfinite(present):
            present = gate.accepted_amps
        if present is not None and command.value is not None and command.value <= present:
            return ""
    return f"{command}: not proven that the car is plugged in here"
