"""What is remembered of a station beyond one connection: its last boot, status and meter values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ..frames import Call, build_call, decode, json_bytes, payload_bytes, with_id

MAX_CONNECTORS: Final = 64
MAX_BOOT_BYTES: Final = 8 * 1024
MAX_STATUS_BYTES: Final = 4 * 1024
MAX_METER_VALUES_BYTES: Final = 16 * 1024
MAX_TOTAL_BYTES: Final = 256 * 1024

_CONNECTOR = re.compile(rb'"connectorId"\s*:\s*"?(\d{1,6})\b')
_TIMESTAMP = re.compile(rb'("timestamp"\s*:\s*)"(?:[^"\\]|\\.)*"', re.DOTALL)


class StationMemory:
    """Caches of one station; messages are kept as bytes and looked into only when needed.

    boot: payload of the last BootNotification, JSON in UTF-8.
    version: counts the changes of what `to_dict` returns, so that the owner knows when to save.
    """

    def __init__(self) -> None:
        self.boot: bytes | None = None
        self.version = 0
        self._statuses: dict[int, bytes] = {}
        self._meter_values: dict[int, bytes] = {}

    def saw(self, action: str, data: bytes) -> None:
        """Take note of a CALL of the charger; actions of no interest cost one comparison each."""
        if action == "MeterValues":
            self._keep(self._meter_values, data, MAX_METER_VALUES_BYTES)
        elif action == "StatusNotification":
            self._keep(self._statuses, data, MAX_STATUS_BYTES)
        elif action == "BootNotification":
            self._keep_boot(data)

    def _keep(self, kept: dict[int, bytes], data: bytes, limit: int) -> None:
        match = _CONNECTOR.search(data)
        if match is None or len(data) > limit:
            return
        connector = int(match[1])
        if connector in kept or len(kept) < MAX_CONNECTORS:
            kept.pop(connector, None)
            kept[connector] = data
            if len(kept) * limit > MAX_TOTAL_BYTES:
                self._shrink(kept)

    @staticmethod
    def _shrink(kept: dict[int, bytes]) -> None:
        while sum(map(len, kept.values())) > MAX_TOTAL_BYTES:
            del kept[next(iter(kept))]

    def _keep_boot(self, data: bytes) -> None:
        message = decode(data, max_bytes=MAX_BOOT_BYTES)
        if not isinstance(message, Call) or not message.payload:
            return
        payload = payload_bytes(data) or json_bytes(message.payload)
        if payload != self.boot:
            self.boot = payload
            self.version += 1

    def clear(self) -> None:
        """Know nothing any more, as of a station never seen."""
        self.boot = None
        self._statuses.clear()
        self._meter_values.clear()
        self.version += 1

    def boot_call(self, message_id: str) -> bytes | None:
        """The last BootNotification as a CALL with the given id; None if there was none."""
        if self.boot is None:
            return None
        return build_call(message_id, "BootNotification", self.boot)

    def status_connectors(self) -> list[int]:
        """Connectors with a StatusNotification upstream can read, ascending; 0 is the station."""
        return _readable(self._statuses)

    def status_call(self, connector: int, message_id: str, now: datetime) -> bytes:
        """The latest StatusNotification of a connector, its timestamp, if it has one, set to now.

        evcc ignores a status older than 60 s once it has one (seen on evcc 0.313).
        """
        call = with_id(self._statuses[connector], message_id)
        stamp = b'"' + timestamp(now).encode() + b'"'
        return _TIMESTAMP.sub(lambda match: match[1] + stamp, call, count=1)

    def meter_connectors(self) -> list[int]:
        """Connectors with MeterValues upstream can read, ascending."""
        return _readable(self._meter_values)

    def meter_values_call(self, connector: int, message_id: str) -> bytes:
        """The last MeterValues of a connector under another id, otherwise as they came."""
        return with_id(self._meter_values[connector], message_id)

    def meter_values(self, connector: int) -> bytes | None:
        """The payload of the last MeterValues of a connector; None if there is none."""
        call = self._meter_values.get(connector)
        return None if call is None else payload_bytes(call)

    def to_dict(self) -> dict[str, Any]:
        """The part that is worth a file: the BootNotification."""
        return {"boot": None if self.boot is None else self.boot.decode("utf-8", "replace")}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> StationMemory:
        """The memory `to_dict` described; what is not a usable boot payload is left out."""
        memory = cls()
        boot = stored.get("boot")
        if isinstance(boot, str) and len(boot) <= MAX_BOOT_BYTES:
            memory.boot = payload_bytes(build_call("", "", boot.encode("utf-8", "replace")))
        return memory


def _readable(kept: Mapping[int, bytes]) -> list[int]:
    """Connectors whose message is good JSON: evcc never answers anything else."""
    return sorted(number for number, call in kept.items() if payload_bytes(call) is not None)


def timestamp(now: datetime) -> str:
    """A date-time as OCPP 1.6 wants it: UTC, milliseconds, `Z`; `now` must know its zone."""
    utc = now.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"
