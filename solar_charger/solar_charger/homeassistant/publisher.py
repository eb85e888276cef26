"""Keeps a broker supplied: discovery, availability, the newest state of every topic, commands in.

`Outbox` decides what is due, without I/O; `Publisher` is the connection that carries it out.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import aiomqtt

from .. import logs
from .broker import (
    Backoff,
    Broker,
    BrokerError,
    NoBrokerError,
    connected,
    connection,
    explain,
    publish,
    subscribe,
)
from .discovery import Announced, Device, config_topic

_log = logs.get("mqtt")

# aiomqtt warns above ten pending calls.
AT_ONCE = 8
# After so many states it is discovery's turn.
IN_A_ROW = 1000
STOP_TIMEOUT = 2.0
# A connection that lasted this long (s) was good: the next attempt comes soon.
GOOD_AFTER = 30.0

CommandHandler = Callable[[str], None]
FindBroker = Callable[[], Awaitable[Broker]]


@dataclass(slots=True)
class _Entry:
    payload: str
    retain: bool
    ticket: int
    acknowledged: str | None = None
    sent_at: float = float("-inf")
    in_flight: bool = False
    later: int | None = None


class Outbox:
    """The newest payload of each topic, and which of them the broker does not have yet.

    A topic is due when its payload changed and `interval` seconds passed since it was sent last.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._entries: dict[str, _Entry] = {}
        self._dirty: dict[str, None] = {}
        self._tickets = 0

    def put(self, topic: str, payload: str, *, retain: bool) -> bool:
        """Remember the payload; True when the broker does not have it."""
        self._tickets += 1
        entry = self._entries.get(topic)
        if entry is None:
            entry = self._entries[topic] = _Entry(payload, retain, self._tickets)
        entry.payload, entry.retain = payload, retain
        if entry.in_flight and entry.later is None:
            entry.later = self._tickets
        if entry.acknowledged == payload and not entry.in_flight:
            self._dirty.pop(topic, None)
            return False
        if topic not in self._dirty:
            entry.ticket = self._tickets
            self._dirty[topic] = None
        return True

    def due(self, now: float, limit: int, *, hurry: bool = False) -> list[str]:
        """Topics to send now; `hurry` does without the interval."""
        topics: list[str] = []
        for topic in self._dirty:
            entry = self._entries[topic]
            ripe = hurry or now - entry.sent_at >= self._interval
            if ripe and not entry.in_flight:
                topics.append(topic)
                if len(topics) == limit:
                    break
        return topics

    def wait(self, now: float) -> float | None:
        """Seconds until something is due; None: nothing waits."""
        times = [self._entries[topic].sent_at + self._interval - now for topic in self._dirty]
        return max(0.0, min(times)) if times else None

    def take(self, topic: str, now: float) -> tuple[str, bool]:
        """Payload and retain flag to send; `acknowledged` or `lost` must follow."""
        entry = self._entries[topic]
        entry.sent_at, entry.in_flight, entry.later = now, True, None
        return entry.payload, entry.retain

    def acknowledged(self, topic: str, payload: str) -> None:
        """The broker has this payload (PUBACK)."""
        entry = self._entries[topic]
        entry.acknowledged, entry.in_flight = payload, False
        if entry.payload != payload:
            # Changed while it was under way: what is still to come is younger.
            entry.ticket = entry.later or entry.ticket
            return
        self._dirty.pop(topic, None)
        if payload == "":
            del self._entries[topic]

    def lost(self) -> None:
        """The broker may have nothing any more: everything is to be sent again, at once."""
        for topic, entry in self._entries.items():
            entry.acknowledged, entry.in_flight, entry.sent_at = None, False, float("-inf")
            if topic not in self._dirty:
                entry.ticket = self._tickets
                self._dirty[topic] = None

    def interrupted(self) -> None:
        """What was under way has not been acknowledged and will not be."""
        for topic in self._dirty:
            self._entries[topic].in_flight = False

    @property
    def ticket(self) -> int:
        """Number of the newest `put`."""
        return self._tickets

    @property
    def oldest(self) -> int | None:
        """Ticket of the oldest payload the broker does not have; None: it has all."""
        return min((self._entries[topic].ticket for topic in self._dirty), default=None)


class Publisher:
    """One connection to the broker, for the life of the app. All methods: event loop's thread only.

    Nothing is ever refused for want of a broker: the newest state of each topic waits.
    """

    def __init__(
        self,
        app: str,
        find_broker: FindBroker,
        announced: Announced,
        *,
        status_topic: str,
        discovery_prefix: str = "homeassistant",
        discovery: bool = True,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
        birth_delay: tuple[float, float] = (1.0, 5.0),
    ) -> None:
        """`status_topic` carries `online` and, as last will, `offline`.

        `interval`: least seconds between two messages on one topic. `discovery` False takes back
        what was announced. `birth_delay`: range of seconds before Home Assistant's `online` is
        answered.
        """
        self._find_broker = find_broker
        self._announced = announced
        self._client_id = f"{app}_{announced.client_id}"
        self._status_topic = status_topic
        self._prefix = discovery_prefix
        self._discovery = discovery
        self._clock = clock
        self._chance = chance or random.Random()
        self._birth_delay = birth_delay
        self._outbox = Outbox(interval)
        self._devices: dict[str, Device] = {}
        self._unannounced: dict[str, None] = {}
        self._withdrawn: dict[str, None] = {}
        self._announced_at: dict[str, float] = {}
        self._interval = interval
        self._greeting_due = False
        self._commands: dict[str, CommandHandler] = {}
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._client: aiomqtt.Client | None = None
        self._complaint = ""

    @property
    def connected(self) -> bool:
        """Whether a broker is connected now."""
        return self._client is not None

    def publish(self, topic: str, payload: str, *, retain: bool = True) -> None:
        """Make `payload` the newest state of `topic`; sent if it changed. Empty: removes it."""
        if self._outbox.put(topic, payload, retain=retain):
            self._wake.set()
        self._release_waiting()

    def announce(self, device: Device) -> None:
        """Show the device in Home Assistant, or change what is shown; stale entities go."""
        if self._discovery and self._devices.get(device.object_id) != device:
            self._devices[device.object_id] = device
            self._unannounced[device.object_id] = None
            self._withdrawn.pop(device.topic(self._prefix), None)
            self._wake.set()

    def withdraw(self, object_id: str) -> None:
        """Take a device with all entities out of Home Assistant. Its state topics: `publish` ""."""
        self._devices.pop(object_id, None)
        self._unannounced.pop(object_id, None)
        self._withdrawn[config_topic(self._prefix, object_id)] = None
        self._wake.set()

    async def on_command(self, topic: str, handler: CommandHandler) -> None:
        """Call `handler` with the text of each message on `topic`; retained ones are ignored.

        The handler returns at once and leaves work to a task of the app. To be awaited before the
        device with this command topic is announced.
        """
        self._commands[topic] = handler
        if self._client is not None:
            # If it fails the connection is going, and the next one subscribes first of all.
            with suppress(aiomqtt.MqttError):
                await _subscribe(self._client, topic)

    async def settled(self) -> None:
        """Wait until the broker has acknowledged everything published so far, or newer states."""
        if self._outbox.oldest is None:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._outbox.ticket, future))
        await future

    async def run(self) -> None:
        """Stay connected until cancelled; then send what is left and say `offline`."""
        backoff = Backoff(self._chance)
        while True:
            began = self._clock()
            try:
                await self._one_connection(await self._find_broker())
            except NoBrokerError as error:
                _log.notice("%s", error)
                return
            except BrokerError as error:
                self._complain(str(error))
            if self._clock() - began > GOOD_AFTER:
                backoff.reset()
            await asyncio.sleep(backoff.next())

    def _complain(self, text: str) -> None:
        """The same trouble is said once, until a connection came about."""
        if text != self._complaint:
            self._complaint = text
            _log.warning("%s; trying again", text)
        else:
            _log.debug("%s", text)

    async def _one_connection(self, broker: Broker) -> None:
        client = connection(broker, self._client_id, self._status_topic)
        try:
            async with connected(client):
                try:
                    await self._serve(client, broker)
                except asyncio.CancelledError:
                    await self._say_goodbye(client)
                    raise
        except* aiomqtt.MqttError as group:
            cause: BaseException = group
            while isinstance(cause, BaseExceptionGroup):
                cause = cause.exceptions[0]
            self._complain(f"no connection to the MQTT broker {broker}: {explain(cause)}")
        finally:
            self._client = None

    async def _serve(self, client: aiomqtt.Client, broker: Broker) -> None:
        # Commands must be heard before Home Assistant offers them.
        birth_topic = f"{self._prefix}/status"
        for topic in (birth_topic, self._status_topic, *self._commands):
            await _subscribe(client, topic)
        self._client = client
        self._complaint = ""
        _log.info("connected to the MQTT broker %s", broker)
        self._forget_old_prefixes()
        self._all_again()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(client, birth_topic, tasks))
            tasks.create_task(self._send(client))

    async def _say_goodbye(self, client: aiomqtt.Client) -> None:
        client.timeout = STOP_TIMEOUT
        with suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT):
                self._outbox.interrupted()
                while await self._send_states(client, hurry=True):
                    pass
                await publish(client, self._status_topic, "offline", retain=True)

    def _all_again(self) -> None:
        self._unannounced = dict.fromkeys(self._devices)
        self._announced_at.clear()
        self._outbox.lost()
        self._greeting_due = True
        self._wake.set()

    def _forget_old_prefixes(self) -> None:
        """Take back what stands under an earlier prefix, or everything when discovery is off."""
        for topic in self._announced.topics():
            if not self._discovery or not topic.startswith(f"{self._prefix}/device/"):
                self._withdrawn[topic] = None

    async def _listen(
        self, client: aiomqtt.Client, birth_topic: str, tasks: asyncio.TaskGroup
    ) -> None:
        async for message in client.messages:
            topic = message.topic.value
            text = _text(message.payload)
            if topic == birth_topic:
                if text == "online" and not message.retain:
                    tasks.create_task(self._after_birth())
            elif topic == self._status_topic:
                # An older connection's will may come late, when we are long back.
                if text == "offline" and not message.retain and not self._greeting_due:
                    await publish(client, topic, "online", retain=True)
            elif topic in self._commands and message.retain:
                _log.limited("warning", "retained", topic, "retained command on %s ignored", topic)
            elif topic in self._commands:
                self._commands[topic](text)

    async def _after_birth(self) -> None:
        await asyncio.sleep(self._chance.uniform(*self._birth_delay))
        _log.debug("Home Assistant started, everything is announced again")
        self._all_again()

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            self._wake.clear()
            await self._send_withdrawals(client)
            await self._send_discovery(client)
            if await self._send_states(client):
                continue
            if self._greeting_due:
                # Last, so that Home Assistant does not take states of an earlier run for fresh.
                self._greeting_due = False
                await publish(client, self._status_topic, "online", retain=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()

    def _pause(self) -> float | None:
        """Seconds until a state or a discovery message becomes due; None: nothing waits."""
        now = self._clock()
        pauses = [self._ripe_in(object_id, now) for object_id in self._unannounced]
        outbox = self._outbox.wait(now)
        return min(pauses + ([] if outbox is None else [outbox]), default=None)

    def _ripe_in(self, object_id: str, now: float) -> float:
        last = self._announced_at.get(object_id, float("-inf"))
        return max(0.0, last + self._interval - now)

    async def _send_withdrawals(self, client: aiomqtt.Client) -> None:
        for topic in list(self._withdrawn):
            await publish(client, topic, "", retain=True)
            self._withdrawn.pop(topic, None)
            self._announced.removed(topic)
            await self._announced.save()

    async def _send_discovery(self, client: aiomqtt.Client) -> None:
        for object_id in list(self._unannounced):
            device = self._devices.get(object_id)
            if device is None or self._ripe_in(object_id, self._clock()):
                continue
            self._unannounced.pop(object_id, None)
            self._announced_at[object_id] = self._clock()
            payloads = self._announced.messages(device, self._prefix)
            await self._announced.save()
            for payload in payloads:
                await publish(client, device.topic(self._prefix), payload, retain=True)
            self._announced.sent(device, self._prefix)
            await self._announced.save()

    async def _send_states(self, client: aiomqtt.Client, *, hurry: bool = False) -> bool:
        """Send what is due, and wait for the acknowledgements; False: nothing was due.

        A message goes out for each acknowledgement that comes in, never a batch at a time: TCP
        would hold the broker's small answers back until it hears from us (Nagle, 40 ms each).
        """
        slots = asyncio.Semaphore(AT_ONCE)
        sent = 0
        async with asyncio.TaskGroup() as tasks:
            while sent < IN_A_ROW:
                await slots.acquire()
                topic = next(iter(self._outbox.due(self._clock(), 1, hurry=hurry)), None)
                if topic is None:
                    break
                payload, retain = self._outbox.take(topic, self._clock())
                tasks.create_task(self._send_one(client, topic, payload, retain, slots))
                sent += 1
        return sent > 0

    async def _send_one(
        self,
        client: aiomqtt.Client,
        topic: str,
        payload: str,
        retain: bool,
        slots: asyncio.Semaphore,
    ) -> None:
        await publish(client, topic, payload, retain=retain)
        self._outbox.acknowledged(topic, payload)
        self._release_waiting()
        slots.release()

    def _release_waiting(self) -> None:
        oldest = self._outbox.oldest if self._waiting else None
        for entry in self._waiting[:]:
            ticket, future = entry
            if oldest is None or oldest > ticket:
                self._waiting.remove(entry)
                if not future.done():
                    future.set_result(None)


async def _subscribe(client: aiomqtt.Client, topic: str) -> None:
    if not await subscribe(client, topic):
        _log.limited("warning", "subscribe", topic, "the MQTT broker refuses to send us %s", topic)


def _text(payload: object) -> str:
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)
