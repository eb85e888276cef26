"""MQTT topics as sensors. A retained message carries no age: it is shown, and steers nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

import aiomqtt

from ..json_values import UnreadableAnswerError, load_json
from ..measurements import Quality
from .readings import Readings, Sink, SourceError
from .roles import RoleBook, SensorRow, Value
from .units import NO_VALUE

_MAX_PAYLOAD = 64 * 1024
_MAX_DEPTH = 16


def read_payload(payload: bytes, path: str) -> object:
    """The value in a message: the whole text, or what lies at `a.b.0` in its JSON.

    Raises SourceError.
    """
    if len(payload) > _MAX_PAYLOAD:
        raise SourceError("message too long")
    if not path:
        try:
            return payload.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise SourceError("message is no text") from error
    try:
        value = load_json(payload)
    except UnreadableAnswerError as error:
        raise SourceError(f"message is {error}") from error
    return _at(value, path)


def _at(value: Any, path: str) -> object:
    steps = path.split(".")[:_MAX_DEPTH]
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step[:9]) < len(value):
            value = value[int(step[:9])]
        else:
            raise SourceError(f"no {step!r} in the message")
    return value


class MqttTopics:
    """Turns messages into readings; the connection is not its business."""

    def __init__(
        self, rows: Iterable[SensorRow], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._book = RoleBook([row for row in rows if row.topic is not None], "mqtt")
        self._clock = clock
        self._live: set[SensorRow] = set()

    @property
    def topics(self) -> tuple[str, ...]:
        """What to subscribe to, each once."""
        found = (row.topic.topic for row in self._book.rows if row.topic is not None)
        return tuple(dict.fromkeys(found))

    def message(self, topic: str, payload: bytes, *, retained: bool) -> list[Readings]:
        """The readings of one message, one set per row it feeds; errors end up in `problems`.

        A retained message after a live one brings nothing new (it follows a reconnect).
        """
        result = []
        for row in self._book.rows:
            if row.topic is None or row.topic.topic != topic:
                continue
            if retained and row in self._live:
                continue
            try:
                found = self._take(row, payload, retained=retained)
            except SourceError as error:
                found = Readings(problems=(f"{topic}: {error}",))
            if found is not None:
                result.append(found)
        return result

    def _take(self, row: SensorRow, payload: bytes, *, retained: bool) -> Readings | None:
        raw = read_payload(payload, row.topic.path if row.topic else "")
        if raw is None or (isinstance(raw, str) and raw.strip().lower() in NO_VALUE):
            return None
        now = self._clock()
        quality = Quality.RETAINED if retained else Quality.GOOD
        readings = self._book.take(row, Value(raw, now, quality=quality), now)
        if not retained:
            self._live.add(row)
        return readings


class MqttSource:
    """A Source over a broker connection that `connect` makes; it comes back after each loss."""

    RECONNECT_S = 10.0

    def __init__(
        self,
        rows: Iterable[SensorRow],
        connect: Callable[[], aiomqtt.Client],
        *,
        clock: Callable[[], float] = time.monotonic,
        reconnect_s: float = RECONNECT_S,
    ) -> None:
        self._rows = tuple(rows)
        self._connect = connect
        self._clock = clock
        self._reconnect_s = reconnect_s

    @property
    def name(self) -> str:
        """The word people see."""
        return "mqtt"

    async def run(self, sink: Sink) -> None:
        """Listen until cancelled."""
        topics = MqttTopics(self._rows, clock=self._clock)
        while True:
            try:
                await self._listen(topics, sink)
            except aiomqtt.MqttError as error:
                sink.failed(self.name, f"MQTT broker: {error}")
            await asyncio.sleep(self._reconnect_s)

    async def _listen(self, topics: MqttTopics, sink: Sink) -> None:
        async with self._connect() as client:
            for topic in topics.topics:
                await client.subscribe(topic, qos=1)
            sink.deliver(self.name, Readings())
            async for message in client.messages:
                topic = message.topic.value
                for readings in topics.message(
                    topic, _bytes(message.payload), retained=message.retain
                ):
                    if readings.problems:
                        sink.failed(self.name, readings.problems[0], topic)
                    else:
                        sink.deliver(self.name, readings, topic)

    async def test(self) -> Readings:
        """Wait up to 15 s for any message of our topics.

        Raises SourceError.
        """
        collected = _First()
        try:
            async with asyncio.timeout(15.0):
                await self._until_first(collected)
        except TimeoutError as error:
            raise SourceError("no message within 15 s on any of the topics") from error
        except aiomqtt.MqttError as error:
            raise SourceError(f"MQTT broker: {error}") from error
        if collected.readings is None:
            raise SourceError(collected.error)
        return collected.readings

    async def _until_first(self, collected: _First) -> None:
        listening = asyncio.ensure_future(
            self._listen(MqttTopics(self._rows, clock=self._clock), collected)
        )
        waiting = asyncio.ensure_future(collected.done.wait())
        try:
            await asyncio.wait({listening, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                listening.result()
        finally:
            listening.cancel()
            waiting.cancel()
            await asyncio.gather(listening, waiting, return_exceptions=True)


class _First:
    """A Sink that keeps the first thing it is told."""

    def __init__(self) -> None:
        self.readings: Readings | None = None
        self.error = "no message"
        self.done = asyncio.Event()

    def deliver(self, source: str, readings: Readings, part: str = "") -> None:
        """Keep and be done; that the broker answers is no message yet."""
        if readings == Readings():
            return
        self.readings = readings
        self.done.set()

    def failed(self, source: str, error: str, part: str = "") -> None:
        """Keep the reason and be done."""
        self.error = error
        self.done.set()


def _bytes(payload: object) -> bytes:
    if isinstance(payload, (bytes, bytearray)):
        return bytes(payload)
    return str(payload).encode()
