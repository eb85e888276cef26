"""Driver `relay`: tesla-control on another machine near the car, over HTTP.

The contract is that of markschaad8-kite/tesla-solar-ble-charger, `pi-zero-ble-relay/`; our own
server is `solar_charger relay`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import requests

from ..http_client import HttpInterruptedError, HttpUnreachableError, Limits, Reply, send
from ..json_values import UnreadableAnswerError, flag, load_object, number, text
from .command_link import VCSEC_COMMANDS, Answer, CommandLink
from .link import ResultClass
from .results import Command, classify, without_log_lines

# The relay gives tesla-control 45 s; after 60 s its answer is lost, not its effect.
_LIMITS = Limits(connect_s=5.0, read_s=60.0, total_s=75.0, max_bytes=256 * 1024)
_REFUSED = (400, 401, 403)
_MAX_TEXT = 400


class RelayLink(CommandLink):
    """Sends each command to the relay; the key to the car lives there."""

    def __init__(self, url: str, api_key: str = "", *, limits: Limits = _LIMITS) -> None:
        super().__init__()
        self._url = url.rstrip("/") + "/ble/command"
        self._headers = {"X-API-Key": api_key} if api_key else {}
        self._limits = limits
        self._lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """The option's word."""
        return "relay"

    @property
    def public_key_argument(self) -> str:
        """Our relay puts its own key here; others look for this file in their folder."""
        return "public.pem"

    async def call(self, command: Command, *args: str) -> Answer:
        """Send one command and read the relay's answer."""
        body = {
            "command": command.value,
            "args": list(args),
            "domain": "vcsec" if command in VCSEC_COMMANDS else "infotainment",
        }
        async with self._lock:
            begun = time.monotonic()
            try:
                reply = await asyncio.to_thread(self._post, body)
            except HttpUnreachableError as error:
                told = f"relay: {error}"
                return Answer(ResultClass.RELAY_DOWN, told, "", time.monotonic() - begun)
            except HttpInterruptedError as error:
                told = f"relay: {error}; the car may have taken the command"
                return Answer(ResultClass.UNKNOWN_RESULT, told, "", time.monotonic() - begun)
            return read_answer(command, reply, time.monotonic() - begun)

    def _post(self, body: Mapping[str, object]) -> Reply:
        with requests.Session() as session:
            session.trust_env = False
            return send(session, "POST", self._url, self._limits, json=body, headers=self._headers)


def read_answer(command: Command, reply: Reply, duration_s: float) -> Answer:
    """Sort the relay's answer; pure. A failed command is status 200 with `success` false."""
    if reply.status in _REFUSED:
        told = f"relay refused ({reply.status}): {_error_text(reply)}"
        return Answer(ResultClass.CONFIG, told, "", duration_s)
    if not reply.ok:
        return Answer(ResultClass.RELAY_DOWN, f"relay answered {reply.status}", "", duration_s)
    try:
        answer = load_object(reply.body)
    except UnreadableAnswerError as error:
        return Answer(ResultClass.RELAY_DOWN, f"relay: {error}", "", duration_s)
    success = flag(answer.get("success"))
    if success is None:
        told = "relay: no `success` in the answer; is this a relay?"
        return Answer(ResultClass.RELAY_DOWN, told, "", duration_s)
    output = text(answer.get("output")) or ""
    took = number(answer.get("duration"))
    spent = duration_s if took is None or took < 0 else took
    if success:
        return Answer(ResultClass.OK, "", output, spent)
    said = without_log_lines(text(answer.get("error")) or output).strip()
    if "timed out after" in output.lower() or "timed out after" in said.lower():
        return Answer(ResultClass.UNKNOWN_RESULT, said[:_MAX_TEXT], output, spent)
    return Answer(classify(command, said, None), said[:_MAX_TEXT], output, spent)


def _error_text(reply: Reply) -> str:
    try:
        return (text(load_object(reply.body).get("error")) or "no reason given")[:_MAX_TEXT]
    except UnreadableAnswerError:
        return "no reason given"
