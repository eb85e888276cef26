"""Turns what a sensor writes, text and unit, into a number, a yes/no or a state of the car."""

from __future__ import annotations

from ..car.charge_state import charging_state
from ..json_values import number
from ..measurements import ChargingState
from .readings import SourceError

POWER = {"": 1.0, "W": 1.0, "kW": 1000.0, "MW": 1_000_000.0, "mW": 0.001, "VA": 1.0, "kVA": 1000.0}
CURRENT = {"": 1.0, "A": 1.0, "mA": 0.001}
PERCENT = {"": 1.0, "%": 1.0}

NO_VALUE = frozenset({"", "unknown", "unavailable", "none", "null"})
"""What Home Assistant and most bridges write when a sensor has nothing to say."""

_YES = frozenset(
    {"on", "true", "1", "yes", "open", "home", "connected", "plugged", "plugged_in", "charging"}
)
_NO = frozenset(
    {"off", "false", "0", "no", "closed", "not_home", "away", "disconnected", "unplugged"}
)


def to_number(value: object, unit: str | None, factors: dict[str, float]) -> float:
    """The value in the base unit; without a unit it is taken to be in that already.

    Raises SourceError for what is no finite number and for a unit of another kind.
    """
    found = number(value.strip() if isinstance(value, str) else value)
    if found is None:
        raise SourceError(f"{_shown(value)} is no number")
    factor = factors.get((unit or "").strip())
    if factor is None:
        known = ", ".join(name for name in factors if name)
        raise SourceError(f"unit {_shown(unit)} does not fit (expected {known})")
    return found * factor


def to_flag(value: object) -> bool:
    """Yes or no, from a boolean, 0/1 or the words of Home Assistant's binary sensors and trackers.

    Any other word raises SourceError, but the name of a zone means "not here".
    """
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise SourceError(f"{_shown(value)} is neither on nor off")


def to_home(value: object) -> bool:
    """`home` or not, of a device tracker or person, whose other states are zone names."""
    try:
        return to_flag(value)
    except SourceError:
        if isinstance(value, str) and value.strip():
            return False
        raise


def to_charging_state(value: object) -> ChargingState:
    """The charging state of the car in the words of any of Home Assistant's Tesla integrations.

    Raises SourceError for a word nobody knows.
    """
    state = charging_state(value)
    if state is ChargingState.UNKNOWN and str(value).strip().lower() not in NO_VALUE:
        raise SourceError(f"{_shown(value)} is no charging state")
    return state


def _shown(value: object) -> str:
    return repr(value)[:60]
