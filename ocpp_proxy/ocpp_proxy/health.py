"""Whether this program itself is well: its loop, its listener, its store; never the far side."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import ProxyServer

TICK = 1.0
# A Pi that swaps stalls for seconds; a loop that stood still longer is stuck.
LONGEST_STALL = 15.0


@dataclass(frozen=True, slots=True)
class Report:
    """What `/health` says; `lag` is how late the loop's last tick was, in seconds."""

    loop: bool
    listening: bool
    store: bool
    lag: float

    @property
    def well(self) -> bool:
        return self.loop and self.listening and self.store

    @property
    def reasons(self) -> list[str]:
        """What is wrong, in a few words each."""
        faults = {
            "the event loop stands still": not self.loop,
            "wallboxes are not listened for": not self.listening,
            "the data folder cannot be written": not self.store,
        }
        return [text for text, faulty in faults.items() if faulty]


class Health:
    """Looks after a running proxy; `start` and `stop` with it."""

    def __init__(self, proxy: ProxyServer) -> None:
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self._ticked = self._loop.time()
        self._lag = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._ticked = self._loop.time()
        self._timer = self._loop.call_later(TICK, self._tick)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def report(self) -> Report:
        """How things are now; cheap enough for every request."""
        return Report(
            loop=self._loop.time() - self._ticked < LONGEST_STALL,
            listening=self._proxy.accepting,
            store=self._proxy.stations.writable
            and os.access(self._proxy.settings.data, os.W_OK | os.X_OK),
            lag=self._lag,
        )

    def _tick(self) -> None:
        now = self._loop.time()
        self._lag = max(0.0, now - self._ticked - TICK)
        self._ticked = now
        self._timer = self._loop.call_later(TICK, self._tick)
