"""Asks one device again and again: never two questions at once, slower while it fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from .readings import Readings, Sink, SourceError

SLOWEST_S = 30.0


class Pollable(Protocol):
    """A source that answers when asked."""

    @property
    def name(self) -> str:
        """The word people see."""

    async def poll(self) -> Readings:
        """Ask once.

        Raises SourceError.
        """


def next_wait(period_s: float, failures: int, took_s: float) -> float:
    """Seconds until the next question: the period from question to question, doubling up to 30 s
    while the device fails, and never less than a tenth of the period after an answer.
    """
    wanted = min(max(SLOWEST_S, period_s), period_s * 2.0 ** min(failures, 10))
    return max(wanted - took_s, period_s / 10)


class Poller:
    """Drives a Pollable; has the form of a Source."""

    def __init__(
        self,
        device: Pollable,
        period_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._device = device
        self._period_s = period_s
        self._clock = clock
        self._sleep = sleep

    @property
    def name(self) -> str:
        """The device's word."""
        return self._device.name

    async def run(self, sink: Sink) -> None:
        """Poll until cancelled."""
        failures = 0
        while True:
            begun = self._clock()
            try:
                readings = await self._device.poll()
            except SourceError as error:
                failures += 1
                sink.failed(self.name, str(error))
            else:
                failures = 0
                sink.deliver(self.name, readings)
            await self._sleep(next_wait(self._period_s, failures, self._clock() - begun))

    async def test(self) -> Readings:
        """Ask once.

        Raises SourceError.
        """
        return await self._device.poll()
