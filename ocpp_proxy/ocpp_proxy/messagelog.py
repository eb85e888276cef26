"""Writes every message, masked, to rotating files: in a thread, behind a queue that drops.

The relay and the event loop never wait for it, whatever the disk does.
"""

from __future__ import annotations

import asyncio
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from . import logs
from .messages import LONGEST_PAYLOAD, Recorder
from .observers import ConnectionFacts
from .relay.events import Leg
from .rotation import Rotation

log = logs.get("messages")

FOLDER, NAME = "messages", "messages.jsonl"
MOST_WAITING = 2000
MOST_LINES = 200
# Bytes that stay free for everybody else, and how many more before writing begins again.
LEAST_FREE = 32 << 20
ROOM = 16 << 20
# Seconds between two looks whether there is room again.
LOOK_AGAIN = 30.0


class _Seen(NamedTuple):
    station: str
    leg: Leg
    data: bytes
    size: int
    monotonic: float
    wall: float
    own: bool


def free_bytes(folder: Path) -> int:
    """What is free on the disk of this folder, in bytes."""
    return shutil.disk_usage(folder).free


class MessageLog:
    """An `Observer`; `start` its thread, `stop` it when the last message was told.

    `dropped` counts messages that were not written: too many at once, or no room on the disk.
    """

    def __init__(
        self,
        data: Path,
        *,
        mask_id_tags: bool = True,
        rotation: Rotation | None = None,
        free: Callable[[Path], int] = free_bytes,
        look_again: float = LOOK_AGAIN,
    ) -> None:
        self.files = rotation or Rotation(data / FOLDER / NAME)
        self.dropped = 0
        self._data = data
        self._free = free
        self._look_again = look_again
        self._recorder = Recorder(mask_id_tags=mask_id_tags)
        self._waiting: queue.Queue[_Seen | str | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="message log", daemon=True)
        self._off_until: float | None = None

    def start(self) -> None:
        self._thread.start()

    async def stop(self, within: float = 2.0) -> None:
        """Write what waits; a disk that hangs is left behind after `within` seconds."""
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            log.warning("%d messages are not written any more", self._waiting.qsize())
            return
        await asyncio.to_thread(self._thread.join, within)

    # Observer.

    def message(
        self,
        station: str,
        leg: Leg,
        data: bytes,
        text: bool,
        monotonic: float,
        wall: float,
        own: bool = False,
    ) -> None:
        """See `Observer`; what the queue cannot take is dropped."""
        # Of a long one only what will be shown is kept, plus the rest of a credential.
        kept = data if len(data) <= 2 * LONGEST_PAYLOAD else data[: 2 * LONGEST_PAYLOAD]
        self._offer(_Seen(station, leg, kept, len(data), monotonic, wall, own))

    def connected(self, station: str, facts: ConnectionFacts, monotonic: float) -> None:
        """See `Observer`."""

    def disconnected(self, station: str, monotonic: float) -> None:
        """See `Observer`."""
        self._offer(station)

    def upstream(self, station: str, up: bool) -> None:
        """See `Observer`."""

    def latency(self, station: str, leg: Leg, ms: float) -> None:
        """See `Observer`."""

    def _offer(self, seen: _Seen | str) -> None:
        try:
            self._waiting.put_nowait(seen)
        except queue.Full:
            self.dropped += 1
            log.limited("warning", "message log", "", "too many messages for the message log")

    # The thread.

    def _run(self) -> None:
        last = False
        while not last:
            lines = []
            for seen in self._batch():
                if seen is None:
                    last = True
                elif isinstance(seen, str):
                    self._recorder.disconnected(seen)
                else:
                    lines.append(self._line(seen))
            if lines:
                self._write(lines)
        self.files.close()

    def _batch(self) -> Iterator[_Seen | str | None]:
        yield self._waiting.get()
        for _ in range(MOST_LINES - 1):
            try:
                yield self._waiting.get_nowait()
            except queue.Empty:
                return

    def _line(self, seen: _Seen) -> bytes:
        return self._recorder.record(
            seen.station, seen.leg, seen.data, seen.monotonic, seen.wall, seen.own, size=seen.size
        ).line()

    def _write(self, lines: list[bytes]) -> None:
        now = time.monotonic()
        if self._off_until is not None and now < self._off_until:
            self.dropped += len(lines)
            return
        try:
            least = LEAST_FREE if self._off_until is None else LEAST_FREE + ROOM
            if self._free(self._data) < least:
                raise OSError(0, "the disk is full")
            self.files.append(b"".join(lines))
        except OSError as error:
            self.dropped += len(lines)
            if self._off_until is None:
                log.error("the message log is off until it can be written: %s", error.strerror)
            self._off_until = now + self._look_again
            return
        if self._off_until is not None:
            self._off_until = None
            log.notice("the message log is on again, %d messages are missing", self.dropped)
