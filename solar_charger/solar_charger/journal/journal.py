"""The event loop's side of the store: gathers writes, commits them aside, lives without a disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import logs
from ..clock import Clock
from ..errors import SolarChargerError
from . import keeping
from .schema import NewerSchemaError, connect
from .store import AuditEntry, Sample, SettingRow, Store

log = logs.get("journal")

FILE = "solar_charger.db"
MOST_WAITING = 2000
FLUSH_S, TIDY_S, REOPEN_S = 10.0, 3600.0, 30.0
LAST_WRITES_S = 5.0
SOUND_WALL = 1_767_225_600.0
"""2026-01-01: an earlier wall clock has not been set yet, and its time stamps mean nothing."""

Write = Callable[[Store], None]


class JournalError(SolarChargerError):
    """The store cannot be read or written now."""


class Journal:
    """`open` first; then `put`, `keep` and `commit` from the event loop.

    What cannot be written waits, the newest of it; `problem` says why, and it is tried again.
    """

    def __init__(self, data: Path, clock: Clock, flush_s: float = FLUSH_S) -> None:
        self.path = data / FILE
        self._clock = clock
        self._flush_s = flush_s
        self._store: Store | None = None
        self._lock = asyncio.Lock()
        self._writing: asyncio.Task[None] | None = None
        self._late: asyncio.Task[bool] | None = None
        self._waiting: list[Write] = []
        self._state: dict[str, Any] = {}
        self._opened_at = float("-inf")
        self.problem = ""
        self.damaged = False
        """The file had to be set aside at this start."""
        self.stored_settings: dict[str, SettingRow] = {}
        self.stored_state: dict[str, Any] = {}

    @property
    def writable(self) -> bool:
        """True where the last write went well."""
        return self._store is not None and not self.problem

    def open(self) -> None:
        """Open, mend, read settings and state; blocking. Never raises: `problem` says it."""
        self._opened_at = self._clock.now()
        try:
            self._connect()
        except (OSError, sqlite3.Error, NewerSchemaError) as error:
            self._failed(error)
            self._read_only()

    def _connect(self) -> None:
        try:
            self._store = Store(connect(self.path))
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            self._store = Store(connect(self.path))
        self.stored_settings = self._store.settings()
        self.stored_state = self._store.state()
        self.problem = ""

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        kept = self.path.with_suffix(".damaged")
        log.error("%s is damaged (%s); kept as %s, begun anew", self.path, error, kept.name)
        self.path.replace(kept)
        for tail in ("-wal", "-shm"):
            self.path.with_name(self.path.name + tail).unlink(missing_ok=True)
        self.damaged = True

    def _read_only(self) -> None:
        """A full or read-only disk: what was kept still counts."""
        with suppress(sqlite3.Error, OSError):
            found = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5.0)
            try:
                self.stored_settings = Store(found).settings()
                self.stored_state = Store(found).state()
            finally:
                found.close()

    def put(self, write: Write) -> None:
        """Write with the next commit."""
        self._waiting.append(write)
        del self._waiting[:-MOST_WAITING]

    def sample(self, sample: Sample) -> None:
        """A row of the history; without a set clock there is no telling where it belongs."""
        if sample.ts_utc >= SOUND_WALL:
            self.put(lambda store: store.add_sample(sample))

    def audit(self, entry: AuditEntry) -> None:
        """A line of the audit log."""
        self.put(lambda store: store.add_audit(entry))

    def keep(self, key: str, value: Any) -> None:
        """State for a restart, with the next commit; only the newest value of a key counts."""
        self._state[key] = value

    async def commit(self) -> None:
        """Write everything that waits. Raises JournalError; it then goes on waiting."""
        await self._lock.acquire()
        if not self._waiting and not self._state:
            self._lock.release()
            return
        writes, self._waiting = self._waiting, []
        state, self._state = self._state, {}

        def work() -> None:
            store = self._opened()
            with store.transaction():
                for key, value in state.items():
                    store.save_state(key, value)
                for write in writes:
                    write(store)

        def put_back() -> None:
            self._state = {**state, **self._state}
            self._waiting = (writes + self._waiting)[-MOST_WAITING:]

        await self._unbroken(self._locked(work, failed=put_back))

    async def commit_within(self, seconds: float) -> bool:
        """Write everything that waits; False where the disk fails or needs longer (real s).

        What takes longer goes on, and nobody waits for it a second time.
        """
        if self._late is not None and not self._late.done():
            return False
        writing = asyncio.create_task(self._committed())
        # Real seconds also where time is made: the disk knows no other.
        await asyncio.wait({writing}, timeout=seconds)
        if writing.done():
            return writing.result()
        self._late = writing
        self._failed(TimeoutError(f"no answer for {seconds:g} s"))
        return False

    async def _committed(self) -> bool:
        try:
            await self.commit()
        except JournalError:
            return False
        return True

    async def write_now(self, write: Write, then: Callable[[], None] = lambda: None) -> None:
        """Write this alone, or not at all; `then` follows a write that went well.

        Raises JournalError. Cancelled before its turn it changes nothing, later it ends.
        """

        def work() -> None:
            store = self._opened()
            with store.transaction():
                write(store)

        await self._lock.acquire()
        await self._unbroken(self._locked(work, then=then))

    async def _unbroken(self, doing: Coroutine[Any, Any, None]) -> None:
        """A write that has begun ends, though its caller is cancelled: a thread cannot be."""
        task = asyncio.create_task(doing)
        self._writing = task
        task.add_done_callback(_seen)
        await asyncio.shield(task)

    async def _locked(
        self,
        work: Callable[[], None],
        *,
        then: Callable[[], None] = lambda: None,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        """Blocking work under the lock, which the caller has taken and this gives back."""
        try:
            await self._clock.aside(work)
        except (OSError, sqlite3.Error, NewerSchemaError) as error:
            failed()
            raise self._failed(error) from error
        except BaseException:
            failed()
            raise
        finally:
            self._lock.release()
        self._works_again()
        then()

    async def run(self) -> None:
        """Commit what gathers, tidy up each hour, until cancelled."""
        tidied = self._clock.now()
        wall = self._clock.wall()
        while True:
            await self._clock.sleep(self._flush_s)
            with suppress(JournalError):
                await self.commit()
            jumped = abs(self._clock.wall() - wall - self._flush_s) > TIDY_S
            wall = self._clock.wall()
            if jumped:
                # Nothing is forgotten by a clock that has just been moved.
                tidied = self._clock.now()
            if self._clock.now() - tidied >= TIDY_S and self._store is not None:
                tidied = self._clock.now()
                await self._tidy(wall)

    async def _tidy(self, wall: float) -> None:
        if wall < SOUND_WALL:
            return
        await self._lock.acquire()
        with suppress(JournalError):
            await self._unbroken(
                self._locked(lambda: keeping.tidy(self._opened().connection, wall))
            )

    async def close(self) -> None:
        """The last writes, then the file; a disk that hangs is waited for a few seconds only."""
        await self.commit_within(LAST_WRITES_S)
        if self._late is not None and not self._late.done():
            return
        if self._store is not None:
            store, self._store = self._store, None
            store.connection.close()

    def _opened(self) -> Store:
        """In the writing thread: the store, opened again where that failed before."""
        if self._store is None:
            if self._clock.now() - self._opened_at < REOPEN_S:
                raise sqlite3.OperationalError(self.problem or "the store is closed")
            self._opened_at = self._clock.now()
            self._store = Store(connect(self.path))
        return self._store

    def _failed(self, error: Exception) -> JournalError:
        told = f"{self.path} cannot be written: {error}"
        if not self.problem:
            log.error("%s; nothing new is started until it can", told)
        self.problem = told
        return JournalError(told)

    def _works_again(self) -> None:
        if self.problem:
            log.notice("%s can be written again", self.path)
        self.problem = ""


def _seen(task: asyncio.Task[None]) -> None:
    """Its caller may be gone: what went wrong stands in `problem`."""
    if not task.cancelled():
        task.exception()
