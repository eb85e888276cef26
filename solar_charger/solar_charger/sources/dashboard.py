"""Client of another dashboard that serves the same paths as ours: meter, plug, mode, status.

Paths: markschaad8-kite/tesla-solar-ble-charger `solar_charger.py`; that dashboard served the two
wall connector paths on port 5002 beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..http_client import HttpError, Limits, Reply, send
from ..json_values import (
    UnreadableAnswerError,
    flag,
    load_object,
    number,
    number_between,
    text,
)
from ..measurements import Reading, WallConnector
from .readings import Readings, SourceError, SourceRefusedError, power, reading
from .twc_gen3 import from_vitals
from .web import base_url, get_reply, plain_session

_LIMITS = Limits(connect_s=3.0, read_s=8.0, total_s=15.0, max_bytes=256 * 1024)
_TWC_PORT = 5002
_MAX_AGE_S = 10.0**8
_FLOWING_A = 0.5

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ForeignMode:
    """`/api/charging/config`."""

    mode: str
    """`SOLAR` or `MANUAL`."""
    mode_ext: str | None = None
    """The four-word mode of a dashboard like ours."""
    takeover_requested: bool = False


def parse_envoy_data(data: bytes, now: float, source: str) -> Readings:
    """Read `/api/envoy_data`; `excess_watts` is what flows out, so the grid is its negative.

    Raises UnreadableAnswerError.
    """
    answer = load_object(data)
    age = number_between(answer.get("envoy_data_age_seconds"), 0, _MAX_AGE_S)
    if age is None and flag(answer.get("stale")):
        raise UnreadableAnswerError("the dashboard calls its data stale")
    missing = answer.get("missing")
    absent = missing if isinstance(missing, list) else []
    excess = power(number(answer.get("excess_watts")))
    if excess is None:
        raise UnreadableAnswerError("no excess_watts in the answer")
    produced = power(number(answer.get("production_watts")))
    if {"production", "production_watts", "production_w"} & {str(name) for name in absent}:
        produced = None
    at = now - (age or 0.0)
    return Readings(
        grid_w=Reading(-excess, at, source),
        production_w=reading(produced, at, source),
        load_w=reading(power(number(answer.get("consumption_watts"))), at, source),
        voltage_v=reading(number_between(answer.get("voltage_v"), 1, 1000), at, source),
    )


def parse_connected(data: bytes) -> tuple[bool, float]:
    """Read `/api/twc/vehicle_connected`: plugged in, and the age of that in seconds.

    Raises UnreadableAnswerError.
    """
    answer = load_object(data)
    connected = flag(answer.get("connected"))
    if connected is None:
        raise UnreadableAnswerError("no `connected` in the answer")
    return connected, number_between(answer.get("data_age_seconds"), 0, _MAX_AGE_S) or 0.0


def parse_twc_status(data: bytes) -> WallConnector:
    """Read `/api/twc/status`, which holds at least `vehicle_current_a` when that is known.

    Raises UnreadableAnswerError.
    """
    vitals = from_vitals(load_object(data))
    amps = vitals.vehicle_current_a
    if vitals.contactor_closed is None and amps is not None:
        return replace(vitals, contactor_closed=amps > _FLOWING_A)
    return vitals


def parse_config(data: bytes) -> ForeignMode:
    """Read `/api/charging/config`.

    Raises UnreadableAnswerError for a mode that is neither SOLAR nor MANUAL.
    """
    answer = load_object(data)
    mode = (text(answer.get("mode")) or "").upper()
    if mode not in ("SOLAR", "MANUAL"):
        raise UnreadableAnswerError(f"unknown mode {mode[:20]!r}")
    extended = text(answer.get("mode_ext"))
    takeover = flag(answer.get("solar_takeover_requested")) or False
    return ForeignMode(mode, extended.upper() if extended else None, takeover)


class Dashboard:
    """The other dashboard. Its methods raise SourceError where it does not answer."""

    def __init__(
        self,
        url: str,
        api_key: str = "",
        *,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits = _LIMITS,
    ) -> None:
        self._base = base_url(url)
        parts = urlsplit(self._base)
        self._twc_base = f"{parts.scheme}://{parts.hostname}:{_TWC_PORT}"
        self._twc_at = self._base
        self._clock = clock
        self._limits = limits
        self._session = plain_session()
        if api_key:
            self._session.headers["X-API-Key"] = api_key
        self._lock = asyncio.Lock()

    async def meter(self) -> Readings:
        """Meter readings."""
        return await self._parsed(
            "/api/envoy_data", lambda body: parse_envoy_data(body, self._clock(), "dashboard")
        )

    async def wall_connector(self) -> Readings:
        """Plug state with its age, and the current where that is known."""
        connected, age = await self._twc("/api/twc/vehicle_connected", parse_connected)
        try:
            vitals = await self._twc("/api/twc/status", parse_twc_status)
        except SourceError:
            vitals = WallConnector()
        connector = replace(vitals, vehicle_connected=connected)
        return Readings(twc=Reading(connector, self._clock() - age, "dashboard"))

    async def mode(self) -> ForeignMode:
        """The mode chosen there."""
        return await self._parsed("/api/charging/config", parse_config)

    async def set_mode(self, mode: str) -> None:
        """Choose `SOLAR` or `MANUAL` there."""
        await self._post("/api/charging/mode", {"mode": mode})

    async def post_status(self, record: Mapping[str, Any]) -> None:
        """Hand over the charger's status record."""
        await self._post("/api/set_charger_status", record)

    async def _twc(self, path: str, parse: Callable[[bytes], _T]) -> _T:
        """Ask where it answered last; a 404 sends us to the other port."""
        try:
            return await self._parsed(path, parse, base=self._twc_at)
        except SourceError:
            other = self._twc_base if self._twc_at == self._base else self._base
            result = await self._parsed(path, parse, base=other)
            self._twc_at = other
            return result

    async def _parsed(
        self, path: str, parse: Callable[[bytes], _T], *, base: str | None = None
    ) -> _T:
        url = (base or self._base) + path
        async with self._lock:
            reply = await get_reply(self._session, url, self._limits, "dashboard")
        try:
            return parse(_body(reply, path))
        except UnreadableAnswerError as error:
            raise SourceError(f"dashboard, {path}: {error}") from error

    async def _post(self, path: str, body: Mapping[str, Any]) -> None:
        async with self._lock:
            try:
                reply = await asyncio.to_thread(
                    send, self._session, "POST", self._base + path, self._limits, json=dict(body)
                )
            except HttpError as error:
                raise SourceError(f"dashboard: {error}") from error
        _body(reply, path)


def _body(reply: Reply, path: str) -> bytes:
    if reply.ok:
        return reply.body
    kind = SourceRefusedError if reply.status in (401, 403, 404) else SourceError
    raise kind(f"dashboard answered {reply.status} to {path}: {_message(reply)}")


def _message(reply: Reply) -> str:
    try:
        return (text(load_object(reply.body).get("message")) or "no reason given")[:200]
    except UnreadableAnswerError:
        return "no reason given"


class DashboardMeter:
    """A Pollable: the meter of the other dashboard."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard

    @property
    def name(self) -> str:
        """The word people see."""
        return "dashboard"

    async def poll(self) -> Readings:
        """Read once.

        Raises SourceError.
        """
        return await self._dashboard.meter()


class DashboardWallConnector:
    """A Pollable: the wall connector as the other dashboard sees it."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard

    @property
    def name(self) -> str:
        """The word people see."""
        return "twc"

    async def poll(self) -> Readings:
        """Read once.

        Raises SourceError.
        """
        return await self._dashboard.wall_connector()
