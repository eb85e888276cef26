"""The gateway's live stream, once a second, with polling in its place while it does not work."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

from ...json_values import UnreadableAnswerError
from ..polling import Pollable, Poller
from ..readings import Readings, Sink, SourceError, Stamps
from .answers import parse_stream_event
from .figures import from_stream
from .gateway import Gateway
from .source import to_readings

PATH = "/stream/meter"
FROZEN_S = 30.0
"""Real values change with every event; the stream has been seen to stand still at dusk."""
POLL_FOR_S = 600.0


class EnvoyStream:
    """A Source: streams, polls for ten minutes whenever the stream fails, then tries it again."""

    def __init__(
        self,
        gateway: Gateway,
        polled: Pollable,
        period_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        poll_for_s: float = POLL_FOR_S,
    ) -> None:
        self._gateway = gateway
        self._poller = Poller(polled, period_s, clock=clock, sleep=sleep)
        self._clock = clock
        self._poll_for_s = poll_for_s

    @property
    def name(self) -> str:
        """The word people see."""
        return "envoy"

    async def test(self) -> Readings:
        """Read once by polling.

        Raises SourceError.
        """
        return await self._poller.test()

    async def run(self, sink: Sink) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                await self._stream(sink)
            except SourceError as error:
                sink.failed(self.name, f"{error}; polling instead")
            try:
                async with asyncio.timeout(self._poll_for_s):
                    await self._poller.run(sink)
            except TimeoutError:
                continue

    async def _stream(self, sink: Sink) -> None:
        loop = asyncio.get_running_loop()
        stop = threading.Event()

        def deliver(readings: Readings) -> None:
            if not stop.is_set():
                loop.call_soon_threadsafe(sink.deliver, self.name, readings)

        try:
            await asyncio.to_thread(self._read, deliver, stop)
        finally:
            stop.set()

    def _read(self, deliver: Callable[[Readings], None], stop: threading.Event) -> None:
        """Runs in a thread; raises SourceError when the stream ends or stands still."""
        stamps = Stamps()
        for line in self._gateway.lines(PATH, stop):
            try:
                event = parse_stream_event(line)
            except UnreadableAnswerError as error:
                raise SourceError(f"gateway's stream: {error}") from error
            if not event:
                continue
            now = self._clock()
            # The stream has no time stamp: its own content tells whether it moves.
            if now - stamps.measured_at("event", line, now) > FROZEN_S:
                raise SourceError("the gateway's stream stands still")
            readings = to_readings(from_stream(event), now, self.name, stamps)
            if readings.grid_w is None:
                raise SourceError("the gateway's stream holds no grid power")
            deliver(readings)
