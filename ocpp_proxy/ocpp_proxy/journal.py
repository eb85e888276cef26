"""What happens on the legs, for those who look: log lines, and copies for bounded observers.

Observers never slow the relay: a full one loses its oldest copies and counts them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from . import logs, urls
from .relay.events import Closed, Copy
from .relay.events import Leg as Side
from .trail import Facts, Trail

if TYPE_CHECKING:
    from .session import Session

log = logs.get()

Change = Literal["charger_connected", "charger_lost", "upstream_lost", "upstream_connected"]


@dataclass(frozen=True, slots=True)
class Message:
    """A copy of one message; `time` is Unix seconds, `to` the leg it goes to.

    `own`: the proxy made it. `facts`: type, id, action, round trip of an answer in seconds.
    """

    time: float
    session: Session
    to: Side
    data: bytes
    text: bool
    facts: Facts
    own: bool = False


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A leg of a station came or went."""

    time: float
    session: Session
    change: Change
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CallCopy:
    """A CALL of the charger as the rules left it; only while somebody asked for them."""

    time: float
    session: Session
    data: bytes
    text: bool


Record = Message | LinkChange | CallCopy


class Subscription:
    """The records one observer has not taken yet; iterate over it, `close` it in the end."""

    def __init__(self, journal: Journal, capacity: int, messages: bool, call_copies: bool) -> None:
        self.messages = messages
        self.call_copies = call_copies
        self.dropped = 0
        self._journal = journal
        self._records: deque[Record] = deque(maxlen=capacity)
        self._arrived = asyncio.Event()

    def offer(self, record: Record) -> None:
        if len(self._records) == self._records.maxlen:
            self.dropped += 1
        self._records.append(record)
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[Record]:
        while True:
            while self._records:
                yield self._records.popleft()
            self._arrived.clear()
            await self._arrived.wait()

    def close(self) -> None:
        self._journal.unsubscribe(self)


class Journal:
    """Makes a trail for each session and hands copies to the subscribers."""

    def __init__(self, wall_time: Callable[[], float], *, mask_id_tags: bool = True) -> None:
        self.mask_id_tags = mask_id_tags
        self._wall_time = wall_time
        self._subscriptions: list[Subscription] = []
        self._messages: list[Subscription] = []
        self._copies: list[Subscription] = []

    def subscribe(
        self, capacity: int = 1000, *, messages: bool = True, call_copies: bool = False
    ) -> Subscription:
        """Copies from now on; at most `capacity` wait.

        `call_copies`: also the charger's CALLs as the rules left them; sessions that run already
        begin with that at their next connection.
        """
        subscription = Subscription(self, capacity, messages, call_copies)
        self._subscriptions.append(subscription)
        self._sort()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._sort()

    def _sort(self) -> None:
        self._messages = [each for each in self._subscriptions if each.messages]
        self._copies = [each for each in self._subscriptions if each.call_copies]

    @property
    def wants_call_copies(self) -> bool:
        return bool(self._copies)

    # What a session tells.

    def connected(self, session: Session) -> None:
        station = session.station.id
        as_text = "" if urls.is_plain_id(station) else " (unusual id)"
        log.info(
            "%s%s connected from %s, %s, to %s", station, as_text, session.charger.peer,
            session.subprotocol, session.route.target,
        )  # fmt: skip
        self._changed(session, "charger_connected")

    def disconnected(self, session: Session, duration: float) -> None:
        log.info(
            "%s disconnected after %s: %s", session.station.id, _duration(duration),
            session.why or "connection lost",
        )  # fmt: skip
        self._changed(session, "charger_lost", session.why)

    def upstream_lost(self, session: Session, closed: Closed) -> None:
        self._changed(session, "upstream_lost", f"{closed.code} {closed.reason}".rstrip())

    def upstream_back(self, session: Session) -> None:
        self._changed(session, "upstream_connected")

    def message(
        self, session: Session, trail: Trail, to: Side, data: bytes, text: bool, now: float,
        *, own: bool,
    ) -> None:  # fmt: skip
        """A message came from a leg or was made by us; nothing is looked at when nobody looks."""
        if not (self._messages or log.isEnabledFor(logging.INFO)):
            return
        facts = trail.follow(to, data, now, own=own)
        if not self._messages:
            return
        record = Message(self._wall_time(), session, to, data, text, facts, own)
        for each in self._messages:
            each.offer(record)

    def copy(self, session: Session, copy: Copy) -> None:
        record = CallCopy(self._wall_time(), session, copy.data, copy.text)
        for each in self._copies:
            each.offer(record)

    def _changed(self, session: Session, change: Change, detail: str = "") -> None:
        if self._subscriptions:
            record = LinkChange(self._wall_time(), session, change, detail)
            for each in self._subscriptions:
                each.offer(record)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
