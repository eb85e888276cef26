"""What happened in a fake, in order, so that a test waits for an event instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

KEPT = 20_000  # a demo runs for days


@dataclass(frozen=True, slots=True)
class Event:
    """One happening; `at` is seconds of the monotonic clock, `number` counts from 0."""

    number: int
    name: str
    station: str
    at: float
    data: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def matches(self, name: str, wanted: Mapping[str, Any]) -> bool:
        """Whether the name is this one and every wanted field has the wanted value."""
        facts = {"station": self.station, **self.data}
        return self.name == name and all(facts.get(key) == want for key, want in wanted.items())

    def line(self) -> str:
        """The event as one readable line."""
        facts = " ".join(f"{key}={value}" for key, value in self.data.items())
        return " ".join(part for part in (self.station, self.name, facts) if part)


class EventLog:
    """Keeps the newest events, tells a listener each one and lets coroutines wait for one."""

    def __init__(self, listener: Callable[[Event], None] | None = None) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._next = 0
        self._listener = listener
        self._waiters: set[asyncio.Future[None]] = set()

    def add(self, name: str, station: str = "", **data: Any) -> Event:
        """Record one event now."""
        event = Event(self._next, name, station, time.monotonic(), data)
        self._next += 1
        self._events.append(event)
        if self._listener is not None:
            self._listener(event)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        return event

    def mark(self) -> int:
        """The number the next event gets; pass it as `after` to look only at what follows."""
        return self._next

    def find(self, name: str, /, after: int = 0, **wanted: Any) -> list[Event]:
        """All kept events of that name with these fields, oldest first."""
        return [e for e in self._events if e.number >= after and e.matches(name, wanted)]

    async def wait_for(
        self, name: str, /, within: float = 10.0, after: int = 0, count: int = 1, **wanted: Any
    ) -> Event:
        """The `count`-th such event, also one already there.

        Raises:
            TimeoutError: it did not happen `within` seconds; the text lists the last events.
        """
        deadline = time.monotonic() + within
        while len(found := self.find(name, after=after, **wanted)) < count:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await waiter
            except TimeoutError:
                raise TimeoutError(self._missing(name, wanted, within)) from None
            finally:
                self._waiters.discard(waiter)
        return found[count - 1]

    def _missing(self, name: str, wanted: Mapping[str, Any], within: float) -> str:
        recent = "\n  ".join(event.line() for event in list(self._events)[-25:])
        return f"no {name} {dict(wanted)} within {within} s; the last events were:\n  {recent}"
