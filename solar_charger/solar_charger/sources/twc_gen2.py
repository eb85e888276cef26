"""Tesla Wall Connector Gen 2 through TWCManager, which speaks its RS-485 bus.

Fields: ngardiner/TWCManager `lib/TWCManager/Control/HTTPControl.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..http_client import Limits
from ..json_values import JsonObject, UnreadableAnswerError, load_object, number_between, text
from ..measurements import Reading, WallConnector
from .readings import Readings, SourceError
from .web import base_url, get, plain_session

_LIMITS = Limits(connect_s=5.0, read_s=10.0, total_s=20.0, max_bytes=256 * 1024)
_MAX_AMPS = 200.0
_MAX_VOLTS = 1000.0
_FLOWING_A = 0.5
SILENT_AFTER_S = 30.0
"""A connector whose last heartbeat is older has left the bus."""


def parse_slaves(data: bytes, twc_id: str = "") -> tuple[WallConnector, float]:
    """Read `/api/getSlaveTWCs`: the connector and the age of its heartbeat in seconds.

    With several connectors and no `twc_id` the one with a car is taken. That a car is there is
    told by its VIN or a state other than 0 (unverified).
    Raises UnreadableAnswerError where no connector answers.
    """
    connectors = {
        key: value
        for key, value in load_object(data).items()
        if key != "total" and isinstance(value, dict) and (not twc_id or key == twc_id)
    }
    alive = [(c, age) for c in connectors.values() if (age := _heartbeat_age(c)) is not None]
    heard = [(c, age) for c, age in alive if age <= SILENT_AFTER_S]
    if not heard:
        known = ", ".join(sorted(map(str, connectors))) or "none"
        raise UnreadableAnswerError(f"no Wall Connector was heard within 30 s (known: {known})")
    chosen, age = max(heard, key=lambda item: (_connected(item[0]) is True, -item[1]))
    return _connector(chosen), age


def _heartbeat_age(slave: JsonObject) -> float | None:
    return number_between(slave.get("lastHeartbeat"), 0, 10**9)


def _connected(slave: Mapping[str, Any]) -> bool | None:
    if text(slave.get("currentVIN")):
        return True
    state = number_between(slave.get("state"), 0, 255)
    return None if state is None else state != 0


def _connector(slave: Mapping[str, Any]) -> WallConnector:
    amps = number_between(slave.get("reportedAmpsActual"), 0, _MAX_AMPS)
    volts = [number_between(slave.get(f"voltsPhase{p}"), 0, _MAX_VOLTS) for p in "ABC"]
    # Older bus versions report no volts, or 0 for a phase that is not wired.
    wired = [v if v else None for v in volts]
    return WallConnector(
        vehicle_connected=_connected(slave),
        # The bus tells no contactor; current that flows has one closed.
        contactor_closed=None if amps is None else amps > _FLOWING_A,
        vehicle_current_a=amps,
        grid_v=wired[0],
        voltage_v=(wired[0], wired[1], wired[2]),
        vitals=dict(slave),
    )


class WallConnectorGen2:
    """A Pollable over TWCManager (port 8080 unless the host names another)."""

    def __init__(
        self,
        host: str,
        twc_id: str = "",
        *,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits = _LIMITS,
    ) -> None:
        base = base_url(host)
        has_port = ":" in base.split("://", 1)[1].rsplit("]", 1)[-1]
        self._url = f"{base}{'' if has_port else ':8080'}/api/getSlaveTWCs"
        self._twc_id = twc_id
        self._clock = clock
        self._limits = limits
        self._session = plain_session()

    @property
    def name(self) -> str:
        """The word people see."""
        return "twc"

    async def poll(self) -> Readings:
        """Read the connectors once.

        Raises SourceError.
        """
        body = await get(self._session, self._url, self._limits, "TWCManager")
        try:
            connector, age = parse_slaves(body, self._twc_id)
        except UnreadableAnswerError as error:
            raise SourceError(f"TWCManager: {error}") from error
        return Readings(twc=Reading(connector, self._clock() - age, self.name))
