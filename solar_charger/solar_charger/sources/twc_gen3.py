"""Tesla Wall Connector Gen 3: plain HTTP, read only. It tells plug, contactor and current.

Fields and quirks: einarhauks/tesla-wall-connector, evcc `charger/twc3.go`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..http_client import Limits
from ..json_values import (
    JsonObject,
    UnreadableAnswerError,
    flag,
    load_object,
    number_between,
)
from ..measurements import Reading, WallConnector
from .readings import Readings, SourceError
from .web import base_url, get, plain_session

# Connects at once and may take seconds until the first byte.
_LIMITS = Limits(connect_s=5.0, read_s=15.0, total_s=20.0, max_bytes=64 * 1024)
_MAX_AMPS = 200.0
_MAX_VOLTS = 1000.0
_MAX_WH = 1_000_000.0

_STRING_OR_NAN = re.compile(r'"(?:[^"\\]|\\.)*"|\bnan\b', re.IGNORECASE | re.DOTALL)


def repair(text: str) -> str:
    """Turn a bare `nan`, which the connector writes for "not measured", into null.

    Strings stay as they are.
    """
    return _STRING_OR_NAN.sub(lambda m: m[0] if m[0].startswith('"') else "null", text)


def load_answer(data: bytes) -> JsonObject:
    """Parse an answer of the connector, which at times lacks its last brace.

    Raises UnreadableAnswerError.
    """
    text = repair(data.decode("utf-8", "replace")).strip()
    try:
        return load_object(text)
    except UnreadableAnswerError:
        if not text.startswith("{"):
            raise
        return load_object(text + "}")


def parse_vitals(data: bytes) -> WallConnector:
    """Read `/api/1/vitals`.

    Raises UnreadableAnswerError.
    """
    vitals = load_answer(data)
    if "vehicle_connected" not in vitals and "contactor_closed" not in vitals:
        raise UnreadableAnswerError("these are no vitals of a Wall Connector")
    return from_vitals(vitals)


def from_vitals(vitals: JsonObject) -> WallConnector:
    """The fields control uses; a missing or odd one is None, never zero."""
    return WallConnector(
        vehicle_connected=flag(vitals.get("vehicle_connected")),
        contactor_closed=flag(vitals.get("contactor_closed")),
        vehicle_current_a=number_between(vitals.get("vehicle_current_a"), 0, _MAX_AMPS),
        grid_v=number_between(vitals.get("grid_v"), 0, _MAX_VOLTS),
        current_a=_phases(vitals, "current{}_a", _MAX_AMPS),
        voltage_v=_phases(vitals, "voltage{}_v", _MAX_VOLTS),
        session_energy_wh=number_between(vitals.get("session_energy_wh"), 0, _MAX_WH),
        vitals=vitals,
    )


def _phases(
    vitals: Mapping[str, Any], name: str, highest: float
) -> tuple[float | None, float | None, float | None]:
    a, b, c = (number_between(vitals.get(name.format(p)), 0, highest) for p in "ABC")
    return a, b, c


class WallConnectorGen3:
    """A Pollable over `/api/1/vitals`."""

    def __init__(
        self, host: str, *, clock: Callable[[], float] = time.monotonic, limits: Limits = _LIMITS
    ) -> None:
        self._url = f"{base_url(host)}/api/1/vitals"
        self._clock = clock
        self._limits = limits
        self._session = plain_session()

    @property
    def name(self) -> str:
        """The word people see."""
        return "twc"

    async def poll(self) -> Readings:
        """Read the vitals once.

        Raises SourceError.
        """
        body = await get(self._session, self._url, self._limits, "Wall Connector")
        try:
            return Readings(twc=Reading(parse_vitals(body), self._clock(), self.name))
        except UnreadableAnswerError as error:
            raise SourceError(f"Wall Connector: {error}") from error
