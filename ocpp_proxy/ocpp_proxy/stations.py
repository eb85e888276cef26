"""The wallboxes seen so far, their sessions, and one lock for each upstream path."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import logs
from .bootcache import BootCache
from .relay.memory import StationMemory
from .takeover import TakeoverGuard
from .targets import Target

if TYPE_CHECKING:
    from .session import Session

log = logs.get("stations")

MOST_STATIONS = 100
LATEST = 1e11  # Unix time; the year 5138

# One session for each: where it is sent and under which path (the query does not count).
Key = tuple[Target, str]


@dataclass(slots=True)
class Station:
    """One wallbox by its id; `seen` is Unix time in seconds, `connects` counts since the start."""

    id: str
    memory: StationMemory = field(default_factory=StationMemory)
    seen: float = 0.0
    connects: int = 0
    session: Session | None = None
    saved_version: int = 0
    # Upstream gave the wallbox this key since our start; it counts instead of the option.
    new_key: str | None = field(default=None, repr=False)


class Stations:
    """Registry of stations and sessions; beyond `most` the longest unseen is forgotten."""

    def __init__(self, cache: BootCache, wall_time: Callable[[], float], most: int = MOST_STATIONS):
        self.guard = TakeoverGuard()
        self._cache = cache
        self._wall_time = wall_time
        self._most = most
        self._stations: dict[str, Station] = {}
        self._sessions: dict[Key, Session] = {}
        self._locks: dict[Key, tuple[asyncio.Lock, int]] = {}
        self._reserved = 0

    def load(self) -> int:
        """Take over what was saved; how many stations that were."""
        for station_id, stored in self._cache.load().items():
            if len(self._stations) >= self._most:
                break
            station = Station(station_id, StationMemory.from_dict(stored))
            station.seen = _unix_time(stored.get("seen"))
            station.saved_version = station.memory.version
            self._stations[station_id] = station
        return len(self._stations)

    def __iter__(self) -> Iterator[Station]:
        return iter(list(self._stations.values()))

    def __len__(self) -> int:
        return len(self._stations)

    @property
    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    def session(self, key: Key) -> Session | None:
        return self._sessions.get(key)

    def find(self, station_id: str) -> Station | None:
        return self._stations.get(station_id)

    def station(self, station_id: str) -> Station:
        """The station of this id, new if need be."""
        station = self._stations.get(station_id)
        if station is None:
            station = self._stations[station_id] = Station(station_id)
            self._forget_beyond_limit(station)
        return station

    def forget(self, station_id: str) -> bool:
        """Drop what is known of a station; whether it was known.

        One that is connected stays, without its boot and status until it sends them again.
        """
        station = self._stations.get(station_id)
        if station is None:
            return False
        if station.session is None:
            del self._stations[station_id]
        station.memory.clear()
        self.save()
        return True

    @contextlib.asynccontextmanager
    async def lock(self, key: Key) -> AsyncIterator[None]:
        """One newcomer at a time for each upstream path."""
        lock, users = self._locks.get(key, (None, 0))
        lock = lock or asyncio.Lock()
        self._locks[key] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[key]
            if users == 1:
                del self._locks[key]
            else:
                self._locks[key] = lock, users - 1

    @contextlib.contextmanager
    def place(self, most: int, key: Key) -> Iterator[bool]:
        """Reserve one of `most` places while dialling; False when none is free.

        Somebody who takes over a session takes its place.
        """
        if key not in self._sessions and len(self._sessions) + self._reserved >= most:
            yield False
            return
        self._reserved += 1
        try:
            yield True
        finally:
            self._reserved -= 1

    def connected(self, session: Session) -> None:
        """Register a session, before its charger gets 101."""
        station = session.station
        self._stations[station.id] = station
        self._sessions[session.key] = session
        station.session = session
        station.connects += 1
        station.seen = self._wall_time()
        self.save()

    def ended(self, session: Session) -> None:
        """A session is over; one that replaced it stays."""
        if self._sessions.get(session.key) is session:
            del self._sessions[session.key]
        if session.station.session is session:
            session.station.session = None
            session.station.seen = self._wall_time()

    def changed(self, station: Station) -> None:
        """What is kept of a station is another than what was saved."""
        station.saved_version = station.memory.version
        self.save()

    def save(self) -> None:
        self._cache.save_soon(self._snapshot)

    async def close(self) -> None:
        await self._cache.close()

    @property
    def writable(self) -> bool:
        """Whether the last write of the file succeeded."""
        return self._cache.writable

    def _snapshot(self) -> dict[str, Any]:
        return {
            station.id: {**station.memory.to_dict(), "seen": int(station.seen)}
            for station in self._stations.values()
        }

    def _forget_beyond_limit(self, newest: Station) -> None:
        idle = [
            each for each in self._stations.values() if each.session is None and each is not newest
        ]
        while len(self._stations) > self._most and idle:
            # A name that never booted is worth less than a wallbox whose boot would be replayed.
            oldest = min(idle, key=lambda each: (each.memory.boot is not None, each.seen))
            idle.remove(oldest)
            del self._stations[oldest.id]
            log.notice("station %s forgotten: only %d are kept", oldest.id, self._most)


def _unix_time(value: object) -> float:
    """Seconds since 1970 from a stored value; 0 for what is no such time."""
    if isinstance(value, int | float) and 0 <= value < LATEST:
        return float(value)
    return 0.0
