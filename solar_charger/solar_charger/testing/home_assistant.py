"""A small Home Assistant: states and services over REST, changes over WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import WSMsgType, web

from .server import FakeServer

Service = Callable[[str, dict[str, Any]], None]


@dataclass
class State:
    """One entity."""

    state: str
    attributes: dict[str, Any] = field(default_factory=dict)
    updated: float = 0.0
    reported: float = 0.0


class FakeHomeAssistant(FakeServer):
    """`set` writes a state as an integration would; services call what `services` holds."""

    def __init__(self, *, port: int = 0, token: str = "a-token", older: bool = False) -> None:
        super().__init__(port)
        self.token = token
        self.older = older
        """Without `last_reported`, as before 2024.3."""
        self.states: dict[str, State] = {}
        self.services: dict[str, Service] = {}
        self.called: list[tuple[str, dict[str, Any]]] = []
        self.now: Callable[[], float] = lambda: datetime.now(UTC).timestamp()
        self._subscribers: dict[web.WebSocketResponse, tuple[int, set[str]]] = {}
        self._subscribed = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        """The same paths as behind the Supervisor's proxy, which cuts `/core` off."""
        return [
            web.get("/core/api/states/{entity_id}", self._state),
            web.post("/core/api/services/{domain}/{service}", self._service),
            web.get("/core/websocket", self._websocket),
        ]

    @property
    def core_url(self) -> str:
        """What `http://supervisor/core` is elsewhere."""
        return f"{self.url}/core"

    @property
    def listeners(self) -> int:
        """Subscribed WebSocket connections."""
        return len(self._subscribers)

    async def set(self, entity_id: str, state: object, **attributes: Any) -> None:
        """Report a state; only a changed one is told to listeners and moves `last_updated`."""
        old = self.states.get(entity_id)
        now = self.now()
        kept = attributes or (old.attributes if old else {})
        changed = old is None or old.state != str(state) or old.attributes != kept
        updated = now if changed or old is None else old.updated
        self.states[entity_id] = State(str(state), kept, updated, now)
        if changed:
            await self._tell(entity_id, old)

    async def drop_listeners(self) -> None:
        """Close every WebSocket, as a restart does."""
        for socket in list(self._subscribers):
            await socket.close()

    def shown(self, entity_id: str) -> dict[str, Any]:
        """The state object."""
        found = self.states[entity_id]
        shown = {
            "entity_id": entity_id,
            "state": found.state,
            "attributes": found.attributes,
            "last_changed": _iso(found.updated),
            "last_updated": _iso(found.updated),
            "context": {"id": "x", "parent_id": None, "user_id": None},
        }
        return shown if self.older else {**shown, "last_reported": _iso(found.reported)}

    def _allowed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.token}"

    async def _state(self, request: web.Request) -> web.Response:
        if not self._allowed(request):
            return web.Response(status=401, text="401: Unauthorized")
        entity_id = request.match_info["entity_id"]
        if entity_id not in self.states:
            return web.json_response({"message": "Entity not found."}, status=404)
        return web.json_response(self.shown(entity_id))

    async def _service(self, request: web.Request) -> web.Response:
        if not self._allowed(request):
            return web.Response(status=401, text="401: Unauthorized")
        name = f"{request.match_info['domain']}.{request.match_info['service']}"
        data = await request.json()
        self.called.append((name, data))
        if name not in self.services:
            return web.Response(status=400, text="400: Bad Request")
        self.services[name](data["entity_id"], data)
        return web.json_response([])

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "auth_required", "ha_version": "2026.11.0"})
        first = await socket.receive_json()
        if first != {"type": "auth", "access_token": self.token}:
            await socket.send_json({"type": "auth_invalid", "message": "Invalid access token"})
            await socket.close()
            return socket
        await socket.send_json({"type": "auth_ok", "ha_version": "2026.11.0"})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._heard(socket, message.json())
        finally:
            self._subscribers.pop(socket, None)
            if not self._subscribers:
                self._subscribed.clear()
        return socket

    async def _heard(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        if message.get("type") == "ping":
            await socket.send_json({"id": message["id"], "type": "pong"})
            return
        fits = message.get("type") == "subscribe_trigger"
        if fits:
            trigger = message["trigger"]
            self._subscribers[socket] = (message["id"], set(trigger["entity_id"]))
            self._subscribed.set()
        await socket.send_json({"id": message["id"], "type": "result", "success": fits})

    async def _tell(self, entity_id: str, old: State | None) -> None:
        trigger = {
            "id": "0",
            "platform": "state",
            "entity_id": entity_id,
            "from_state": None if old is None else {"entity_id": entity_id, "state": old.state},
            "to_state": self.shown(entity_id),
            "description": f"state of {entity_id}",
        }
        for socket, (subscription, wanted) in list(self._subscribers.items()):
            if entity_id in wanted and not socket.closed:
                event = {"variables": {"trigger": trigger}, "context": {"id": "x"}}
                await socket.send_json({"id": subscription, "type": "event", "event": event})

    async def listening(self, within_s: float = 10.0) -> None:
        """Wait until somebody has subscribed."""
        async with asyncio.timeout(within_s):
            await self._subscribed.wait()


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat()
