"""The part of a simulated wallbox that connects, reconnects, sends CALLs and hears the answers."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any, Self

from .calls import CallLine
from .events import EventLog
from .wallbox_link import HandshakeRefused, WallboxLink
from .wallbox_quirks import Quirks
from .wallbox_voice import spell
from .wire import CALL, CallFailed, Message, Payload, decode


class OnlineBox(ABC):
    """Keeps one connection; an asynchronous context manager that lives until its end."""

    def __init__(
        self,
        station_id: str,
        url: str,
        quirks: Quirks,
        events: EventLog | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.id, self.url, self.quirks = station_id, url, quirks
        self.events = events or EventLog()
        self.closings = 0  # how many of its sockets came to an end
        self.registered = asyncio.Event()
        self.link: WallboxLink | None = None
        self._tls = tls
        self._line: CallLine | None = None
        self._numbers = itertools.count(1)
        self._again = asyncio.Event()
        self._errors = 0
        self._abandoned: list[WallboxLink] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._lasting: set[asyncio.Task[None]] = set()
        self._life: asyncio.Task[None] | None = None

    @abstractmethod
    def _duties(self, link: WallboxLink) -> Iterable[Coroutine[Any, Any, None]]:
        """What runs beside the reader as long as the connection lasts."""

    @abstractmethod
    def _background(self) -> Iterable[Coroutine[Any, Any, None]]:
        """What runs from the first connection attempt on, connected or not."""

    @abstractmethod
    async def _command(self, message: Message) -> None:
        """Obey one CALL."""

    @property
    def ever_closed(self) -> bool:
        """Whether a socket of this box was ever closed, by whomever."""
        return self.closings > 0

    async def __aenter__(self) -> Self:
        self._life = asyncio.create_task(self._live())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Leave with close code 1000 and connect no more."""
        if self.link is not None:
            self.link.close()
            with suppress(TimeoutError):
                await self.events.wait_for("disconnected", within=2.0, station=self.id)
        for link in self._abandoned:
            link.abort()
        for task in self._lasting:
            task.cancel()
        if self._life is not None:
            self._life.cancel()
            with suppress(asyncio.CancelledError):
                await self._life

    async def _live(self) -> None:
        for work in self._background():
            self._spawn(work, lasting=True)
        failures = 0
        while True:
            self._again.clear()
            try:
                link = await WallboxLink.open(self.url, self.id, self.quirks, self._tls)
            except HandshakeRefused as refusal:
                self.events.add("refused", self.id, status=refusal.status, body=refusal.body)
                failures += 1
            except OSError as error:
                self.events.add("unreachable", self.id, error=str(error))
                failures += 1
            else:
                failures = 0
                await self._session(link)
            delays = self.quirks.reconnect_delays
            with suppress(TimeoutError):
                pause = delays[min(failures, len(delays) - 1)] if delays else None
                async with asyncio.timeout(pause):
                    await self._again.wait()

    async def _session(self, link: WallboxLink) -> None:
        self.link = link
        self._line = line = CallLine(
            self._speak,
            self._new_id,
            self.quirks.call_timeout,
            self.quirks.one_open_call,
        )
        self.events.add("connected", self.id, subprotocol=link.subprotocol)
        try:
            for duty in self._duties(link):
                self._spawn(duty)
            ending = await link.read(self._received)
        except asyncio.CancelledError:
            link.abort()
            raise
        finally:
            self.link = self._line = None
            line.end()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if link not in self._abandoned:
            self.closings += 1
        self.events.add("disconnected", self.id, code=ending.code, reason=ending.reason)

    def _spawn(self, work: Coroutine[Any, Any, Any], lasting: bool = False) -> None:
        async def run() -> None:
            with suppress(CallFailed):  # told as an event where it happened
                await work

        tasks = self._lasting if lasting else self._tasks
        task = asyncio.create_task(run())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: work.close())  # it may never have begun

    def _new_id(self) -> int | str:
        number = next(self._numbers)
        return number if self.quirks.numeric_ids else str(number)

    def _speak(self, action: str, text: str) -> None:
        if self.link is not None:
            self.link.send(spell(self.quirks, text, action), binary=self.quirks.binary_frames)

    def send_raw(self, message: str | bytes, binary: bool = False) -> None:
        """Send any message at all, outside every rule.

        Raises:
            CallFailed: the box is offline.
        """
        if self.link is None:
            raise CallFailed("LinkLost")
        self.link.send(message, binary)

    async def call(self, action: str, payload: Payload) -> Payload:
        """Send one CALL and return its answer.

        Raises:
            CallFailed: CALLERROR, `Timeout` or `LinkLost`.
        """
        if self._line is None:
            raise CallFailed("LinkLost")
        self.events.add("call_sent", self.id, action=action, payload=payload)
        try:
            answer = await self._line.call(action, payload)
        except CallFailed as failure:
            self.events.add("call_failed", self.id, action=action, code=failure.code)
            self._count_error(failure)
            raise
        self.events.add("call_answered", self.id, action=action, answer=answer)
        return answer

    def _count_error(self, failure: CallFailed) -> None:
        if failure.code in ("Timeout", "LinkLost"):
            return
        self._errors += 1
        if self._errors == self.quirks.drops_link_after_errors and self.link is not None:
            self._errors = 0
            self.link.abort()

    def _received(self, data: bytes) -> None:
        message = decode(data)
        if message is None:
            self.events.add("unreadable", self.id, data=data)
        elif message.kind == CALL:
            self._spawn(self._command(message))
        elif self._line is None or not self._line.settle(message):
            self.events.add("stray_answer", self.id, message_id=message.id)

    def disconnect(self, code: int = 1000) -> None:
        """Close the connection properly; it comes back after the first reconnect delay."""
        if self.link is not None:
            self.link.close(code)

    def lose_wifi(self) -> None:
        """Leave the socket half-open and connect anew at once, from a fresh one."""
        if self.link is not None:
            self._abandoned.append(self.link)
            self.link.vanish()
            self._again.set()
