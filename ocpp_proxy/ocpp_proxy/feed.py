"""Hands what happened to one observer, later and bounded: a slow observer loses messages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from . import logs
from .observers import Observer

log = logs.get("feed")


class Feed:
    """The messages and events one observer has not been told yet.

    At most `capacity` messages of together `most_bytes` wait; beyond that the oldest ones are
    dropped and counted. Events (connected, upstream …) are never dropped. `close` ends it.
    """

    def __init__(self, observer: Observer, capacity: int = 1000, most_bytes: int = 4 << 20) -> None:
        self.observer = observer
        self.dropped = 0
        self._capacity, self._most_bytes = capacity, most_bytes
        # Size of the message behind each call, None for an event.
        self._waiting: deque[tuple[int | None, Callable[[], None]]] = deque()
        self._messages = 0
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def offer_message(self, size: int, call: Callable[[], None]) -> None:
        self._waiting.append((size, call))
        self._messages += 1
        self._bytes += size
        if self._messages > self._capacity or self._bytes > self._most_bytes:
            self._drop_oldest()
        self._wake()

    def offer(self, call: Callable[[], None]) -> None:
        self._waiting.append((None, call))
        self._wake()

    async def told(self) -> None:
        """Wait until the observer knows everything."""
        await self._idle.wait()

    def close(self) -> None:
        self._task.cancel()

    def _wake(self) -> None:
        self._idle.clear()
        self._arrived.set()

    def _drop_oldest(self) -> None:
        for index, (size, _) in enumerate(self._waiting):
            if size is not None:
                del self._waiting[index]
                self._messages -= 1
                self._bytes -= size
                self.dropped += 1
                return

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                size, call = self._waiting.popleft()
                if size is not None:
                    self._messages -= 1
                    self._bytes -= size
                try:
                    call()
                except Exception:
                    name = type(self.observer).__name__
                    log.limited("error", name, "", "%s failed", name)
                    log.debug("%s failed", name, exc_info=True)
                # Others have their turn between two looks into a message.
                await asyncio.sleep(0)
            self._idle.set()
