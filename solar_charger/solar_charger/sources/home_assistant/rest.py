"""Home Assistant's REST interface, states and service calls (developers.home-assistant)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from ...http_client import (
    HttpError,
    HttpUnreachableError,
    Limits,
    Reply,
    send,
)
from ...json_values import UnreadableAnswerError, load_json
from ..readings import SourceError, SourceRefusedError
from .entity import Entity, parse_entity

_LIMITS = Limits(connect_s=5.0, read_s=15.0, total_s=20.0)
_ENTITY_ID = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Core:
    """Where Home Assistant is and how it lets us in; `repr` hides the token."""

    token: str
    url: str = "http://supervisor/core"

    @property
    def websocket_url(self) -> str:
        """The WebSocket interface of the same Home Assistant."""
        base = self.url.rstrip("/")
        # The Supervisor's proxy serves it beside `api`, Home Assistant itself below it.
        tail = "/websocket" if base.endswith("/core") else "/api/websocket"
        return "ws" + base.removeprefix("http") + tail

    def __repr__(self) -> str:
        return f"Core(url={self.url!r})"


class ServiceNotSentError(SourceError):
    """Home Assistant was not reached, so nothing happened."""


class CoreRest:
    """Asks Home Assistant."""

    def __init__(self, core: Core, *, limits: Limits = _LIMITS) -> None:
        self._core = core
        self._limits = limits
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {core.token}"
        self._lock = asyncio.Lock()

    async def state(self, entity_id: str) -> Entity:
        """The state of one entity.

        Raises SourceRefusedError for an unknown entity or a token that is not accepted,
        SourceError while Home Assistant is away.
        """
        if not _ENTITY_ID.fullmatch(entity_id):
            raise SourceRefusedError(f"{entity_id!r} is no entity id")
        try:
            reply = await self._ask("GET", f"/api/states/{entity_id}")
        except HttpError as error:
            raise SourceError(f"Home Assistant: {error}") from error
        if reply.status == 404:
            raise SourceRefusedError(f"Home Assistant has no entity {entity_id}")
        check(reply)
        try:
            return parse_entity(load_json(reply.body))
        except UnreadableAnswerError as error:
            raise SourceError(f"{entity_id}: {error}") from error

    async def call(self, domain: str, service: str, data: Mapping[str, Any]) -> None:
        """Call a service and wait until Home Assistant has carried it out.

        Raises ServiceNotSentError where it was not reached, SourceRefusedError where it does not
        take it, SourceError where it may have been carried out.
        """
        try:
            reply = await self._ask("POST", f"/api/services/{domain}/{service}", dict(data))
        except HttpUnreachableError as error:
            raise ServiceNotSentError(f"Home Assistant: {error}") from error
        except HttpError as error:
            raise SourceError(f"Home Assistant: {error}") from error
        if reply.status in (502, 504):
            # The Supervisor's proxy had sent it on: only the answer is missing.
            raise SourceError(f"Home Assistant answered {reply.status} to {domain}.{service}")
        if reply.status in (400, 404):
            raise SourceRefusedError(
                f"Home Assistant does not take {domain}.{service} for {data.get('entity_id')}"
            )
        check(reply)

    async def _ask(self, method: str, path: str, body: object = None) -> Reply:
        url = self._core.url.rstrip("/") + path
        async with self._lock:
            return await asyncio.to_thread(
                send, self._session, method, url, self._limits, json=body
            )


def check(reply: Reply) -> None:
    """Pass 2xx.

    Raises SourceRefusedError for a token that is not accepted, SourceError for the rest.
    """
    if reply.status in (401, 403):
        raise SourceRefusedError("Home Assistant does not accept our token")
    if reply.status in (502, 503, 504):
        raise ServiceNotSentError("Home Assistant is starting or down")
    if not reply.ok:
        raise SourceError(f"Home Assistant answered {reply.status}")
