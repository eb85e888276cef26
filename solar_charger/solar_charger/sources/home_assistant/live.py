"""Home Assistant as a Source: told of changes over its WebSocket, asked for what stands still."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from ...json_values import JsonObject, UnreadableAnswerError, as_object, load_object, text
from ..readings import Readings, Sink, SourceError, SourceRefusedError
from ..roles import RoleBook, SensorRow
from .entity import Ages, Entity, parse_entity
from .rest import Core, CoreRest

_OPEN_WITHIN_S = 10.0
_MAX_MESSAGE = 4 * 1024 * 1024
REFRESH_S = 15.0
"""A value that stands still changes nothing and so sends nothing: its sign of life is asked for."""
RECONNECT_S = 10.0
WEBSOCKET = "WebSocket"
"""The part of this source that is no entity."""


class HomeAssistantSource:
    """Delivers the entities of the `sensors` rows."""

    def __init__(
        self,
        core: Core,
        rows: Iterable[SensorRow],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        refresh_s: float = REFRESH_S,
        reconnect_s: float = RECONNECT_S,
    ) -> None:
        self._core = core
        self._rest = CoreRest(core)
        self._book = RoleBook([row for row in rows if row.entity_id is not None], "home_assistant")
        self._clock = clock
        self._wall = wall
        self._ages = Ages()
        self._refresh_s = refresh_s
        self._reconnect_s = reconnect_s

    @property
    def name(self) -> str:
        """The word people see."""
        return "home_assistant"

    @property
    def entity_ids(self) -> tuple[str, ...]:
        """The entities of our rows, each once."""
        return tuple(dict.fromkeys(row.entity_id for row in self._book.rows if row.entity_id))

    async def run(self, sink: Sink) -> None:
        """Listen and ask until cancelled; while the WebSocket is down asking goes on."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen_for_ever(sink))
            tasks.create_task(self._ask_for_ever(sink))

    async def test(self) -> Readings:
        """Ask each entity once.

        Raises SourceError for the first that gives nothing.
        """
        merged = Readings()
        for entity_id in self.entity_ids:
            entity = await self._rest.state(entity_id)
            found = list(self._readings(entity))
            if not found:
                raise SourceError(f"{entity_id} is {entity.value or 'unavailable'}")
            for readings in found:
                if readings.problems:
                    raise SourceError(readings.problems[0])
                merged = merge(merged, readings)
        return merged

    async def _ask_for_ever(self, sink: Sink) -> None:
        while True:
            for entity_id in self.entity_ids:
                try:
                    self._hand_over(await self._rest.state(entity_id), sink)
                except SourceError as error:
                    sink.failed(self.name, str(error), entity_id)
            await asyncio.sleep(self._refresh_s)

    async def _listen_for_ever(self, sink: Sink) -> None:
        while True:
            try:
                await self._listen(sink)
            except (SourceError, OSError, TimeoutError, WebSocketException) as error:
                told = str(error) or type(error).__name__
                sink.failed(self.name, f"Home Assistant's WebSocket: {told}", WEBSOCKET)
            await asyncio.sleep(self._reconnect_s)

    async def _listen(self, sink: Sink) -> None:
        async with connect(
            self._core.websocket_url,
            open_timeout=_OPEN_WITHIN_S,
            max_size=_MAX_MESSAGE,
            proxy=None,
        ) as socket:
            async with asyncio.timeout(_OPEN_WITHIN_S):
                await self._sign_in(socket)
            await socket.send(subscription(1, self.entity_ids))
            sink.deliver(self.name, Readings(), WEBSOCKET)
            async for message in socket:
                entity = read_event(message)
                if entity is not None:
                    self._hand_over(entity, sink)
        raise SourceError("closed")

    async def _sign_in(self, socket: ClientConnection) -> None:
        await socket.recv()
        await socket.send(json.dumps({"type": "auth", "access_token": self._core.token}))
        if read_type(await socket.recv()) != "auth_ok":
            raise SourceRefusedError("Home Assistant does not accept our token")

    def _hand_over(self, entity: Entity, sink: Sink) -> None:
        for readings in self._readings(entity):
            if readings.problems:
                sink.failed(self.name, readings.problems[0], entity.entity_id)
            else:
                sink.deliver(self.name, readings, entity.entity_id)

    def _readings(self, entity: Entity) -> Iterable[Readings]:
        now = self._clock()
        value = self._ages.value(entity, now, self._wall())
        if value is None:
            return
        for row in self._book.rows:
            if row.entity_id == entity.entity_id:
                try:
                    yield self._book.take(row, value, now)
                except SourceError as error:
                    yield Readings(problems=(str(error),))


def merge(first: Readings, second: Readings) -> Readings:
    """Both sets of readings; the second wins where both have a value."""
    merged: dict[str, Any] = {**first.named(), **second.named()}
    return Readings(**merged, max_age={**first.max_age, **second.max_age})


def subscription(message_id: int, entity_ids: Iterable[str]) -> str:
    """The message that asks for every change of these entities, attributes included."""
    trigger = {"platform": "state", "entity_id": list(entity_ids)}
    return json.dumps({"id": message_id, "type": "subscribe_trigger", "trigger": trigger})


def read_type(message: str | bytes) -> str | None:
    """The `type` of a message.

    Raises SourceError.
    """
    return text(_load(message).get("type"))


def read_event(message: str | bytes) -> Entity | None:
    """The new state in a trigger's event; None for other messages and a removed entity.

    Raises SourceError where the subscription was refused or the message is unreadable.
    """
    fields = _load(message)
    if fields.get("type") == "result" and fields.get("success") is not True:
        raise SourceError("Home Assistant refused the subscription")
    if fields.get("type") != "event":
        return None
    try:
        event = as_object(fields.get("event"), "the event")
        variables = as_object(event.get("variables"), "the variables")
        state = as_object(variables.get("trigger"), "the trigger").get("to_state")
        return None if state is None else parse_entity(state)
    except UnreadableAnswerError as error:
        raise SourceError(str(error)) from error


def _load(message: str | bytes) -> JsonObject:
    try:
        return load_object(message)
    except UnreadableAnswerError as error:
        raise SourceError(str(error)) from error
