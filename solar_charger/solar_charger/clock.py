"""Time, passed in: the machine's, or a made one that may run a thousand times as fast.

Durations count on the monotonic clock; the wall clock serves time stamps and schedules only.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import Protocol, TypeVar

T = TypeVar("T")

SETTLE_TURNS, PACED_TURNS = 14, 8
"""Turns of the event loop after which everybody woken by the made clock has done his work; at a
pace a few suffice, since being a moment late does not matter there."""


class Clock(Protocol):
    """What the shell knows of time."""

    def now(self) -> float:
        """Monotonic seconds."""

    def wall(self) -> float:
        """Epoch seconds; may jump."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def aside(self, work: Callable[[], T]) -> T:
        """Do blocking work without holding the event loop up."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Epoch seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(max(0.0, seconds))

    async def aside(self, work: Callable[[], T]) -> T:
        """In a worker thread."""
        return await asyncio.to_thread(work)


class VirtualClock:
    """A clock that goes from sleeper to sleeper and never past one.

    With `speed` and `run` it keeps pace with real time times `speed`, and falls behind rather than
    leave somebody out; without, `advance` moves it.
    """

    def __init__(self, wall: float, *, now: float = 100_000.0, speed: float = 1.0) -> None:
        self._now = now
        self._offset = wall - now
        self._speed = speed
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._added = asyncio.Event()

    def now(self) -> float:
        """Monotonic seconds."""
        return self._now

    def wall(self) -> float:
        """Epoch seconds."""
        return self._now + self._offset

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self._offset += seconds

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has got there."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._numbers), woken))
        self._added.set()
        await woken

    async def aside(self, work: Callable[[], T]) -> T:
        """At once: made time stands still meanwhile."""
        return work()

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass, everybody who wakes in between having his turn."""
        end = self._now + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._wake_next()
            await _settle()
        self._now = end

    async def run(self) -> None:
        """Keep pace until cancelled."""
        began, base = time.monotonic(), self._now
        while True:
            await _settle(PACED_TURNS)
            self._added.clear()
            if not self._sleepers:
                await self._added.wait()
                continue
            wait = began + (self._sleepers[0][0] - base) / self._speed - time.monotonic()
            if wait > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._added.wait()
                continue
            if wait < -1.0:
                # Behind by more than a second: lost time is not made up for.
                began, base = time.monotonic(), self._now
            self._wake_next()

    def _wake_next(self) -> None:
        due = self._sleepers[0][0]
        self._now = max(self._now, due)
        while self._sleepers and self._sleepers[0][0] <= due:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)


async def _settle(turns: int = SETTLE_TURNS) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def happens(clock: Clock, event: Awaitable[object], seconds: float) -> bool:
    """Wait for `event`, at most `seconds`; True when it came first."""
    waiting = asyncio.ensure_future(event)
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({waiting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.done()
    finally:
        for task in (waiting, sleeping):
            task.cancel()
        await asyncio.gather(waiting, sleeping, return_exceptions=True)


def local_time(clock: Clock, zone: tzinfo) -> datetime:
    """The wall clock's time in the owner's zone; a clock beyond the calendar counts as its end."""
    try:
        return datetime.fromtimestamp(clock.wall(), zone)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, zone)
