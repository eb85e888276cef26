"""Driver `proxy_http`: TeslaBleHttpProxy, which wakes the car by itself before a command.

Paths and forms: wimaha/TeslaBleHttpProxy readme; evcc `tesla-ble.yaml`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from ..http_client import HttpInterruptedError, HttpUnreachableError, Limits, Reply, send
from ..json_values import JsonObject, UnreadableAnswerError, as_object, flag, load_object, text
from ..measurements import BodyState, CarState, SleepStatus
from .charge_state import parse_body_state, parse_charge_state
from .link import Result, ResultClass
from .results import Command, classify, classify_reason

# It wakes the car and retries by itself before it answers with `wait=true`.
_LIMITS = Limits(connect_s=5.0, read_s=90.0, total_s=100.0, max_bytes=256 * 1024)
_MAX_TEXT = 400
_UNSENT = "will be processed shortly"


class ProxyHttpLink:
    """A VehicleLink over TeslaBleHttpProxy's API of one vehicle."""

    proves_home = True
    wakes_by_itself = True

    def __init__(self, url: str, vin: str, *, limits: Limits = _LIMITS) -> None:
        self._base = f"{url.rstrip('/')}/api/1/vehicles/{vin}"
        self._limits = limits
        self._lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """The option's word."""
        return "proxy_http"

    async def set_amps(self, amps: int) -> Result:
        """Ask for `amps` per phase, 0…80."""
        return await self._command(
            Command.SET_AMPS, "set_charging_amps", {"charging_amps": str(amps)}
        )

    async def start(self) -> Result:
        """Start charging."""
        return await self._command(Command.START, "charge_start")

    async def stop(self) -> Result:
        """Stop charging."""
        return await self._command(Command.STOP, "charge_stop")

    async def set_limit(self, percent: int) -> Result:
        """Set the charge limit, 50…100 %."""
        return await self._command(Command.SET_LIMIT, "set_charge_limit", {"percent": percent})

    async def wake(self) -> Result:
        """Wake the car."""
        return await self._command(Command.WAKE, "wake_up")

    async def read_body(self) -> Result:
        """Ask the body controller, which does not wake the car."""
        return await self._read(
            Command.READ_BODY, "/body_controller_state", lambda inner: parse_body_state(inner)
        )

    async def read_charge(self) -> Result:
        """Read the charge state, at most 30 s old (the proxy's cache), without waking the car."""
        result = await self._read(
            Command.READ_CHARGE, "/vehicle_data?endpoints=charge_state", _charge_state
        )
        if result.result_class not in (ResultClass.UNREACHABLE, ResultClass.OTHER):
            return result
        body = await self.read_body()
        if isinstance(body.data, BodyState) and body.data.sleep is SleepStatus.ASLEEP:
            return Result(ResultClass.ASLEEP, "the car is asleep", result.duration_s, body.data)
        return result

    async def ping(self) -> Result:
        """The proxy has no ping; a charge state is signed too and proves the same."""
        result = await self.read_charge()
        return Result(result.result_class, result.text, result.duration_s)

    async def pair(self) -> Result:
        """Not over this API."""
        told = "the key is made and paired on TeslaBleHttpProxy's own page"
        return Result(ResultClass.NOT_OFFERED, told)

    async def close(self) -> None:
        """Nothing is held between calls."""

    async def _command(
        self, command: Command, word: str, body: Mapping[str, Any] | None = None
    ) -> Result:
        # Without wait=true the answer comes before anything is sent.
        path = f"/command/{word}?wait=true"
        return await self._exchange(
            command, "POST", path, lambda reply, s: command_result(command, reply, s), body or {}
        )

    async def _read(
        self, command: Command, path: str, parse: Callable[[JsonObject], CarState | BodyState]
    ) -> Result:
        return await self._exchange(
            command, "GET", path, lambda reply, s: read_result(command, reply, s, parse)
        )

    async def _exchange(
        self,
        command: Command,
        method: str,
        path: str,
        sort: Callable[[Reply, float], Result],
        body: Mapping[str, Any] | None = None,
    ) -> Result:
        async with self._lock:
            begun = time.monotonic()
            try:
                reply = await asyncio.to_thread(self._send, method, path, body)
            except HttpUnreachableError as error:
                spent = time.monotonic() - begun
                return Result(ResultClass.RELAY_DOWN, f"proxy: {error}", spent)
            except HttpInterruptedError as error:
                told = f"proxy: {error}; the car may have taken the command"
                reading = command in (Command.READ_BODY, Command.READ_CHARGE)
                found = ResultClass.RELAY_DOWN if reading else ResultClass.UNKNOWN_RESULT
                return Result(found, told, time.monotonic() - begun)
            return sort(reply, time.monotonic() - begun)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> Reply:
        with requests.Session() as session:
            session.trust_env = False
            return send(session, method, self._base + path, self._limits, json=body)


def command_result(command: Command, reply: Reply, duration_s: float) -> Result:
    """Sort the answer to a command; pure. A refusal is status 503 with `result` false."""
    try:
        response = _response(reply)
    except UnreadableAnswerError as error:
        return Result(_unreadable(reply), f"proxy ({reply.status}): {error}", duration_s)
    reason = (text(response.get("reason")) or "").strip()
    if flag(response.get("result")):
        if _UNSENT in reason:
            return Result(ResultClass.UNKNOWN_RESULT, reason[:_MAX_TEXT], duration_s)
        return Result(ResultClass.OK, reason[:_MAX_TEXT], duration_s)
    return Result(_failure(command, reason), reason[:_MAX_TEXT], duration_s)


def read_result(
    command: Command,
    reply: Reply,
    duration_s: float,
    parse: Callable[[JsonObject], CarState | BodyState],
) -> Result:
    """Sort the answer to a question; pure."""
    try:
        response = _response(reply)
        if flag(response.get("result")) is False:
            reason = (text(response.get("reason")) or "").strip()
            return Result(classify(command, reason, None), reason[:_MAX_TEXT], duration_s)
        data = parse(as_object(response.get("response"), "response"))
    except UnreadableAnswerError as error:
        return Result(_unreadable(reply), f"proxy ({reply.status}): {error}", duration_s)
    return Result(ResultClass.OK, "", duration_s, data)


def _failure(command: Command, reason: str) -> ResultClass:
    # A text of the proxy's own is no word of the car: only what the table knows is a refusal.
    found = classify_reason(command, reason)
    bare = " " not in reason and reason
    return found if found is not ResultClass.CAR_REFUSED or bare else classify(command, reason)


def _charge_state(inner: JsonObject) -> CarState:
    return parse_charge_state(as_object(inner.get("charge_state"), "charge_state"))


def _response(reply: Reply) -> JsonObject:
    answer = load_object(reply.body)
    response = as_object(answer.get("response"), "response")
    if flag(response.get("result")) is None:
        raise UnreadableAnswerError("no `result` in the answer")
    return response


def _unreadable(reply: Reply) -> ResultClass:
    return ResultClass.CONFIG if reply.status in (400, 401, 403, 404) else ResultClass.RELAY_DOWN
