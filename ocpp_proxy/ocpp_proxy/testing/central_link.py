"""One station's WebSocket at the central system: read deadline, and an end without close frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode
from websockets.http11 import Request


class DeadlineConnection(ServerConnection):
    """Notes when the last message or ping came; pongs do not count."""

    last_heard = 0.0

    def process_event(self, event: Any) -> None:
        """Note the time of what renews the deadline."""
        if isinstance(event, Request) or event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.PING):
            self.last_heard = asyncio.get_running_loop().time()
        super().process_event(event)


class Link:
    """Sends and reads the messages of one connection."""

    def __init__(self, connection: DeadlineConnection, station_id: str) -> None:
        self.connection, self.station_id = connection, station_id
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()

    def send(self, text: str) -> None:
        """Queue one message; silently nothing once the connection is gone."""
        self._outgoing.put_nowait(text)

    async def run(self, received: Callable[[bytes], None], deadline: float) -> int:
        """Hand over messages until the connection ends; returns the close code seen (or 1006)."""
        helpers = [
            asyncio.create_task(self._write()),
            asyncio.create_task(self._watch(deadline)),
        ]
        try:
            while True:
                received(await self.connection.recv(decode=False))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else 1006
        finally:
            for helper in helpers:
                helper.cancel()

    async def _write(self) -> None:
        while True:
            text = await self._outgoing.get()
            try:
                await self.connection.send(text)
            except ConnectionClosed:
                return

    async def _watch(self, deadline: float) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            left = self.connection.last_heard + deadline - clock()
            if left <= 0:
                self.drop()
                return
            await asyncio.sleep(left)

    def drop(self) -> None:
        """End the TCP connection without a close frame, as evcc always does."""
        self.connection.transport.close()
