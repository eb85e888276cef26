"""The leg to a wallbox: reads one HTTP request, then waits for the verdict (101 or an answer)."""

from __future__ import annotations

import asyncio
from typing import Protocol

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from . import logs
from .legs import END_OF_HEADERS, WAITING, Leg, Pace
from .refusals import Refusals

log = logs.get("charger")

_TLS_HANDSHAKE = 0x16
_MOST_EARLY = 65536


class Gate(Protocol):
    """Who decides about the request, and keeps count of handshakes in progress."""

    refusals: Refusals

    async def handshake(self, leg: ChargerLeg, request: Request) -> None: ...
    def handshake_over(self, leg: ChargerLeg) -> None: ...


class ChargerLeg(Leg):
    """A connection from a wallbox.

    `peer` is the normalised address of the TCP connection, `client` that of the wallbox: another
    one behind a trusted proxy.
    """

    name = "charger"

    __slots__ = ("_accepted", "_early", "_gate", "_tail", "_task", "_timer", "client", "opened_at",
                 "peer", "secure")  # fmt: skip

    protocol: ServerProtocol

    def __init__(
        self, protocol: ServerProtocol, pace: Pace, gate: Gate, peer: str, accepted: float, *,
        secure: bool,
    ) -> None:  # fmt: skip
        super().__init__(protocol, pace)
        self.peer = peer
        self.client = peer
        self.secure = secure
        self.opened_at = 0.0
        self._gate: Gate | None = gate
        self._accepted = accepted
        self._tail = b""
        self._early: bytearray | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def address(self) -> str:
        return self.peer

    @property
    def connected(self) -> bool:
        """Whether it ever got its connection."""
        return hasattr(self, "transport")

    @property
    def shaking_hands(self) -> bool:
        return self._gate is not None and self.connected

    def answer_stopping(self) -> None:
        """The proxy stops in the middle of the handshake: 503 to a request, the end otherwise."""
        if self._early is None:
            self.abort()
            return
        if self._task is not None:
            self._task.cancel()
        response = self.protocol.reject(503, "the proxy is stopping\n")
        response.headers["Retry-After"] = "10"
        self.answer(response)

    def answer(self, response: Response) -> None:
        """Send the verdict; after 101 messages flow, after anything else the connection ends."""
        self.protocol.send_response(response)
        self._flush()
        self._handshake_over()
        if response.status_code != 101:
            self._end_within(self.pace.close_timeout)
            return
        self.opened_at = self._loop.time()
        self.opened()
        self._timer = self._loop.call_later(self.pace.first_message_timeout, self._check_proved)
        early, self._early = self._early, None
        if early:
            self.resume(WAITING)
            self.data_received(bytes(early))

    # asyncio's callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        left = self._accepted + self.pace.handshake_timeout - self._loop.time()
        self._timer = self._loop.call_later(max(0.0, left), self._expired)

    def data_received(self, data: bytes) -> None:
        if self._gate is None:
            super().data_received(data)
        elif self._early is not None:
            self._hold_back(data)
        else:
            self._handshake_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()
        self._handshake_over()
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    # Inside.

    def _handshake_data(self, data: bytes) -> None:
        """Feed the protocol up to the end of the headers: frames must wait for the verdict."""
        if not self._tail and data[0] == _TLS_HANDSHAKE and not self.secure:
            log.limited(
                "warning", "tls on plain", self.peer,
                "%s speaks TLS to the plain port: set the wallbox to ws:// or switch ssl on",
                self.peer,
            )  # fmt: skip
            self._note("tls on plain", "it speaks TLS to the plain port")
            self.abort()
            return
        joined = self._tail + data
        end = joined.find(END_OF_HEADERS)
        used = len(data) if end < 0 else end + len(END_OF_HEADERS) - len(self._tail)
        self._tail = joined[-3:]
        self.protocol.receive_data(data[:used])
        for event in self.protocol.events_received():
            if isinstance(event, Request):
                self._early = bytearray(data[used:])
                self._task = self._loop.create_task(self._decide(event))
                return
        if self.protocol.handshake_exc is not None:
            self._unreadable()

    async def _decide(self, request: Request) -> None:
        gate = self._gate
        assert gate is not None
        await gate.handshake(self, request)
        self._task = None

    def _unreadable(self) -> None:
        """The library has answered already (414, 431) or ends without an answer."""
        error = self.protocol.handshake_exc
        reason = (error and error.__cause__) or error
        log.limited(
            "warning", "bad request", self.peer, "request of %s cannot be read: %s", self.peer,
            reason,
        )  # fmt: skip
        self._note("bad request", f"its request cannot be read: {reason}")
        self._flush()
        self._handshake_over()
        self._end_within(1.0)

    def _hold_back(self, data: bytes) -> None:
        assert self._early is not None
        self._early += data
        if len(self._early) > _MOST_EARLY:
            self.pause(WAITING)

    def _handshake_over(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.handshake_over(self)
            if self._timer is not None:
                self._timer.cancel()

    def _expired(self) -> None:
        log.limited(
            "warning", "handshake timeout", self.peer, "%s did not finish its handshake in %d s",
            self.peer, self.pace.handshake_timeout,
        )  # fmt: skip
        self._note("handshake timeout", "it did not finish its handshake")
        self.abort()

    def _note(self, cause: str, reason: str) -> None:
        if self._gate is not None:
            self._gate.refusals.note(cause, self.peer, reason)

    def _check_proved(self) -> None:
        """Somebody who opens a connection and then does nothing must not keep it."""
        if self.keepalive is not None and not self.keepalive.proved:
            self._ended_by_us(f"it sent nothing for {self.pace.first_message_timeout:g} s")
            self.close(1008, "no message", within=1.0)
