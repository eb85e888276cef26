"""Which MQTT broker to use, and how to get a connection with a last will to it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import aiomqtt

from ..supervisor import ServiceNotRegisteredError, Supervisor, SupervisorError

T = TypeVar("T")

PORT = 1883
TLS_PORT = 8883
KEEPALIVE = 30
ANSWER_TIMEOUT = 10.0

# Reason codes of a CONNACK that trying again will not change (MQTT 5 §3.2.2.2; the client library
# translates those of MQTT 3.1.1 §3.2.2.3).
_BAD_CREDENTIALS = (134, 135)


class BrokerError(Exception):
    """No broker, or it cannot be used now; the text says what to do. Worth another try later."""


class NoBrokerError(BrokerError):
    """No broker is configured and there is no Supervisor to ask: trying again changes nothing."""


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """The options `mqtt_…` every app has; empty or None: not set."""

    host: str = ""
    port: int | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca: str = ""

    def without_effect(self) -> list[str]:
        """Names of options that are set but do nothing, because `mqtt_host` is not."""
        if self.host:
            return []
        given = {
            "mqtt_port": self.port is not None,
            "mqtt_username": bool(self.username),
            "mqtt_password": bool(self.password),
            "mqtt_tls": self.tls,
        }
        return [name for name, is_set in given.items() if is_set]


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker's address and credentials; `tls` None: plain TCP."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}{' with TLS' if self.tls else ''}"


async def find(
    options: BrokerOptions, supervisor: Supervisor | None, ssl_folder: Path = Path("/ssl")
) -> Broker:
    """The broker of the options, else the one the Supervisor knows.

    Asked again before every connection, because the Supervisor's broker changes its password.
    `NoBrokerError` when there is neither; `BrokerError` when there is none yet.
    """
    if options.host:
        _check_host(options.host)
        context = tls_context(options.ca, ssl_folder) if options.tls else None
        port = options.port or (TLS_PORT if options.tls else PORT)
        return Broker(options.host, port, options.username, options.password, context)
    if supervisor is None:
        raise NoBrokerError("no MQTT broker: set mqtt_host to have entities in Home Assistant")
    try:
        service = await supervisor.mqtt_service()
    except ServiceNotRegisteredError as error:
        raise BrokerError(
            "no MQTT broker yet: install the Mosquitto broker app, or set mqtt_host"
        ) from error
    except SupervisorError as error:
        raise BrokerError(f"no MQTT broker known: {error}") from error
    context = tls_context(options.ca, ssl_folder) if service.ssl else None
    return Broker(service.host, service.port, service.username, service.password, context)


def _check_host(host: str) -> None:
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise BrokerError(f"mqtt_host: {host!r} is no host name") from error


def tls_context(ca: str, ssl_folder: Path = Path("/ssl")) -> ssl.SSLContext:
    """A context that verifies certificate and host name, by the system's authorities or `ca` alone.

    A bare file name in `ca` means a file of `ssl_folder`. `BrokerError` for a file that is missing
    or holds no certificate.
    """
    # Not create_default_context: from Python 3.13 on it refuses many home-made authorities.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not ca:
        context.load_default_certs()
        return context
    file = ssl_folder / ca
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise BrokerError(f"mqtt_ca: no certificate can be read from {file} ({error})") from error
    return context


def connection(broker: Broker, client_id: str, will_topic: str) -> aiomqtt.Client:
    """A client to enter with `async with`; the broker says `offline` for it when it vanishes."""
    return aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username or None,
        password=broker.password or None,
        identifier=client_id,
        will=aiomqtt.Will(will_topic, "offline", qos=1, retain=True),
        tls_context=broker.tls,
        keepalive=KEEPALIVE,
        timeout=ANSWER_TIMEOUT,
        max_queued_incoming_messages=1000,
        # Without it each message waits 40 ms for the acknowledgement of the one before.
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )


async def publish(client: aiomqtt.Client, topic: str, payload: str, *, retain: bool) -> None:
    """Send at QoS 1 and wait for the PUBACK; MqttError when it does not come in time."""
    await _answered(client.publish(topic, payload, qos=1, retain=retain, timeout=math.inf))


async def subscribe(client: aiomqtt.Client, topic: str) -> bool:
    """Ask for the messages on a topic at QoS 1; False when the broker refuses."""
    codes = await _answered(client.subscribe(topic, qos=1, timeout=math.inf))
    # Return code 0x80 in SUBACK, MQTT 3.1.1 §3.9.3.
    return not any(getattr(code, "value", code) >= 0x80 for code in codes)


async def _answered(call: Awaitable[T]) -> T:
    """Wait for an answer for a bounded time.

    The library's own time-outs use asyncio.wait_for, which on Python 3.11 swallows a cancellation
    that comes in the same moment as the answer: the program would never end.
    """
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return await call
    except TimeoutError:
        raise aiomqtt.MqttError("the broker does not answer") from None


@contextlib.asynccontextmanager
async def connected(client: aiomqtt.Client) -> AsyncIterator[None]:
    """`async with client`, with a cancellation that its beginning swallowed (see `_answered`)."""
    task = asyncio.current_task()
    assert task is not None
    # Compared, because on Python 3.11 a TaskGroup that failed leaves the count raised.
    before = task.cancelling()
    async with client:
        if task.cancelling() > before:
            raise asyncio.CancelledError
        yield


def explain(error: BaseException) -> str:
    """What went wrong with a connection, with the option to look at."""
    code = getattr(error, "rc", None)
    if getattr(code, "value", code) in _BAD_CREDENTIALS:
        return "it refuses user name or password (mqtt_username, mqtt_password)"
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"its certificate is not trusted (mqtt_ca): {text}"
    if "SSL" in text:
        return f"TLS does not come about (mqtt_tls, mqtt_port): {text}"
    return text or type(error).__name__


class Backoff:
    """Waiting times between attempts: 1, 2, 4 … 60 s, each ±20 %."""

    def __init__(self, chance: random.Random, first: float = 1.0, longest: float = 60.0) -> None:
        self._chance = chance
        self._first = first
        self._longest = longest
        self._next = first

    def reset(self) -> None:
        """Begin again at the shortest time."""
        self._next = self._first

    def next(self) -> float:
        """Seconds to wait now."""
        wait = self._next
        self._next = min(self._next * 2, self._longest)
        return min(wait * self._chance.uniform(0.8, 1.2), self._longest)
