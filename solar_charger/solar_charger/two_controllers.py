"""Another charger beside ours: whose record is shown, and how long we keep still. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import SolarChargerError

SHOWN_S = 120.0
PASSIVE_S = 600.0
_MOST_MEMBERS = 60
_LONGEST_TEXT = 300


class RecordError(SolarChargerError):
    """What was posted is no status record."""


@dataclass(slots=True)
class ForeignCharger:
    """The last foreign post."""

    record: Mapping[str, Any] | None = None
    heard_at: float = float("-inf")

    def heard(self, record: object, now: float) -> bool:
        """Take a post; True when it makes us passive anew. Raises RecordError."""
        checked = check_record(record)
        was_active = self.active(now)
        self.record, self.heard_at = checked, now
        return not was_active

    def active(self, now: float) -> bool:
        """True while our own commands have to wait."""
        return now - self.heard_at < PASSIVE_S

    def shown(self, now: float) -> Mapping[str, Any] | None:
        """The record to show, while it is young."""
        return self.record if now - self.heard_at <= SHOWN_S else None

    def remember(self, now: float, wall: float) -> float | None:
        """Epoch second of the last post, while it matters."""
        return wall - (now - self.heard_at) if self.active(now) else None

    def restore(self, heard_wall: object, now: float, wall: float) -> None:
        """Take up what was remembered."""
        if isinstance(heard_wall, int | float) and 0.0 <= wall - heard_wall < PASSIVE_S:
            self.heard_at = now - (wall - heard_wall)


NUMBERS = (
    "amps", "target_amps", "battery", "battery_age_sec", "excess_watts", "production_watts",
    "ble_fail_count", "ble_backoff_remaining", "ble_backoff_until", "grid_charge_warning_amps",
    "relay_unreachable_streak",
)  # fmt: skip
TEXTS = ("mode", "state", "timestamp")
FLAGS = ("relay_unreachable_alert", "is_preconditioning")


def contract_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """The members every reader of a status record knows, each of its own type or None.

    What else a stranger posts must not take the place of anything of ours.
    """
    kept: dict[str, Any] = {}
    for names, kinds in ((NUMBERS, (int, float)), (TEXTS, (str,)), (FLAGS, (bool,))):
        for name in names:
            if name in record:
                value = record[name]
                misled = isinstance(value, bool) and bool not in kinds
                kept[name] = value if isinstance(value, kinds) and not misled else None
    return kept


def check_record(record: object) -> dict[str, Any]:
    """A status record of the older contract, bounded in size. Raises RecordError."""
    if not isinstance(record, Mapping):
        raise RecordError("a status record is a JSON object")
    mode = record.get("mode")
    if not isinstance(mode, str) or not mode.strip():
        raise RecordError("a status record has a mode")
    if len(record) > _MOST_MEMBERS:
        raise RecordError("a status record has fewer members")
    kept: dict[str, Any] = {}
    for name, value in record.items():
        if value is None or isinstance(value, bool | int | float):
            kept[str(name)[:60]] = value
        elif isinstance(value, str):
            kept[str(name)[:60]] = value[:_LONGEST_TEXT]
    return kept
