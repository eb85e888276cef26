"""Home Assistant over MQTT: the state document out, the owner's commands in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

from . import __version__, logs
from .clock import Clock
from .commands import Action, Actor, Answer, Request
from .entities import Entity, Topics, commanded, device
from .homeassistant import Announced, Publisher, state_json
from .homeassistant.broker import Broker
from .stored_settings import RANGES
from .view import ViewBoard

log = logs.get("mqtt")

EACH_S = 30.0
LOOK_EACH_S = 1.0
GROWING = ("battery_age_sec", "ble_backoff_remaining", "eta")
"""Members that change by themselves: on their own they are no reason to publish."""
_CHARGE = {"start_now": "start", "stop_now": "stop", "wake": "wake", "normalize": "normalize"}
CarryOut = Callable[[Request], Awaitable[Answer]]


class PayloadError(ValueError):
    """A command message nobody can use."""


def request_of(entity: Entity, payload: str) -> Request:
    """What a message on an entity's command topic asks for; numbers are kept within range.

    Raises PayloadError.
    """
    key, text = entity.key, payload.strip()
    if key == "mode":
        return _mqtt(Action.MODE, text)
    if key == "pair" and text == "PRESS":
        return _mqtt(Action.PAIRING_REQUEST, None)
    if entity.platform == "button" and text == "PRESS":
        return _mqtt(Action.CHARGE, _CHARGE[key])
    if entity.platform == "switch" and text in ("ON", "OFF"):
        wanted = text == "ON"
        if key == "takeover":
            return _mqtt(Action.TAKEOVER, wanted)
        return _mqtt(Action.SETTINGS, {key: wanted})
    if entity.platform == "number":
        return _mqtt(Action.SETTINGS, {key: _clamped(key, text)})
    if key == "deadline":
        # Home Assistant's clock widgets write seconds too.
        return _mqtt(Action.SETTINGS, {key: text[:5] if text.count(":") == 2 else text})
    raise PayloadError(f"{payload[:40]!r} is nothing {key} understands")


def _mqtt(action: Action, value: Any) -> Request:
    return Request(action, value, Actor.MQTT)


def _clamped(key: str, text: str) -> int:
    try:
        value = round(float(text))
    except (ValueError, OverflowError) as error:
        raise PayloadError(f"{text[:40]!r} is no number for {key}") from error
    low, high = RANGES[key]
    return min(high, max(low, value))


class MqttSide:
    """Announces, publishes on change and each 30 s, and listens."""

    def __init__(
        self,
        identity: str,
        data: Path,
        find_broker: Callable[[], Awaitable[Broker]],
        board: ViewBoard,
        carry_out: CarryOut,
        clock: Clock,
        *,
        discovery_prefix: str = "homeassistant",
        support_url: str = "",
        left_out: Collection[str] = (),
    ) -> None:
        """`identity` is 8 hex digits that never change; `left_out` are entities of no use here."""
        self._left_out = left_out
        self._topics = Topics(identity)
        self._identity = identity
        self._board = board
        self._carry_out = carry_out
        self._clock = clock
        self._support_url = support_url
        self._publisher = Publisher(
            "solar_charger",
            find_broker,
            Announced(data / "announced.json"),
            status_topic=self._topics.availability,
            discovery_prefix=discovery_prefix,
        )
        self._running: set[asyncio.Task[None]] = set()
        self._published_at = float("-inf")
        self._last: dict[str, Any] = {}

    @property
    def connected(self) -> bool:
        """Whether a broker is connected now."""
        return self._publisher.connected

    async def run(self, beat: Callable[[], None] = lambda: None) -> None:
        """Until cancelled; then the last state goes out, and `offline`."""
        for entity in commanded(self._left_out):
            topic = self._topics.command(entity.key)
            await self._publisher.on_command(topic, partial(self._heard, entity))
        announced = device(self._identity, __version__, self._support_url, self._left_out)
        self._publisher.announce(announced)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publisher.run())
            try:
                while True:
                    beat()
                    self.publish()
                    await asyncio.sleep(LOOK_EACH_S)
            finally:
                self.publish()

    def publish(self) -> None:
        """Hand the state over if something has changed, or 30 s have passed."""
        document = dict(self._board.view.document)
        if not document:
            return
        telling = {name: value for name, value in document.items() if name not in GROWING}
        now = self._clock.now()
        if telling == self._last and now - self._published_at < EACH_S:
            return
        self._last, self._published_at = telling, now
        self._publisher.publish(self._topics.state, state_json(document))

    def _heard(self, entity: Entity, payload: str) -> None:
        """A command message: carried out in a task, since the publisher must not wait."""
        try:
            request = request_of(entity, payload)
        except PayloadError as error:
            log.limited("warning", "payload", entity.key, "command ignored: %s", error)
            return
        task = asyncio.get_running_loop().create_task(self._obey(request))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _obey(self, request: Request) -> None:
        await self._carry_out(request)
        # A switch or number that was refused jumps back to what holds.
        self._last = {}
