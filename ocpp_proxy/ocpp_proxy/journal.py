"""What happens on the legs, for those who look: log lines at once, copies for observers later.

Nothing is looked into when nobody looks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from . import logs, urls
from .feed import Feed
from .observers import ConnectionFacts, Observer
from .relay.events import Copy
from .relay.events import Leg as Side

if TYPE_CHECKING:
    from .frames import Head
    from .session import Session

log = logs.get()

# Takes a CALL of a session's charger as the rules left it, and whether it was a text message.
CopyTaker = Callable[["Session", bytes, bool], None]


class Journal:
    """Told by all sessions; tells the log and the observers."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        wall_time: Callable[[], float],
        *,
        mask_id_tags: bool = True,
    ) -> None:
        self.mask_id_tags = mask_id_tags
        self.copy_takers: list[CopyTaker] = []
        self._monotonic = monotonic
        self._wall_time = wall_time
        self._feeds: list[Feed] = []

    def add(self, observer: Observer, capacity: int = 1000) -> Feed:
        """Tell `observer` everything from now on; at most `capacity` messages wait for it."""
        feed = Feed(observer, capacity)
        self._feeds.append(feed)
        return feed

    def remove(self, feed: Feed) -> None:
        feed.close()
        self._feeds.remove(feed)

    async def close(self) -> None:
        """Let the observers hear the rest, one second at most."""
        feeds = [asyncio.ensure_future(feed.told()) for feed in self._feeds]
        if feeds:
            await asyncio.wait(feeds, timeout=1.0)
        for waiting in feeds:
            waiting.cancel()
        for feed in self._feeds[:]:
            self.remove(feed)

    # What a session tells.

    def connected(self, session: Session) -> None:
        station = session.station.id
        log.info(
            "%s%s connected from %s, %s, to %s",
            station,
            "" if urls.is_plain_id(station) else " (unusual id)",
            session.charger.client,
            session.charger.protocol.subprotocol or "no subprotocol offered",
            session.route.target,
        )
        facts = ConnectionFacts(session.charger.client, session.charger.protocol.subprotocol or "")
        for feed in self._feeds:
            feed.offer(partial(feed.observer.connected, station, facts, self._monotonic()))

    def disconnected(self, session: Session, duration: float) -> None:
        station = session.station.id
        why = session.why or "connection lost"
        log.info("%s disconnected after %s: %s", station, _duration(duration), why)
        for feed in self._feeds:
            feed.offer(partial(feed.observer.disconnected, station, self._monotonic()))

    def upstream(self, session: Session, *, up: bool) -> None:
        for feed in self._feeds:
            feed.offer(partial(feed.observer.upstream, session.station.id, up))

    def latency(self, session: Session, leg: Side, seconds: float) -> None:
        for feed in self._feeds:
            feed.offer(partial(feed.observer.latency, session.station.id, leg, seconds * 1000))

    def message(
        self, session: Session, source: Side, head: Head | None, data: bytes, text: bool,
        now: float, *, own: bool,
    ) -> None:  # fmt: skip
        """A message came from the leg `source`, or was made by us in its place (`own`)."""
        if log.isEnabledFor(logging.INFO):
            session.trail.follow(source, head, data, now, own=own)
        if self._feeds:
            wall, station, size = self._wall_time(), session.station.id, len(data)
            for feed in self._feeds:
                tell = feed.observer.message
                feed.offer_message(size, partial(tell, station, source, data, text, now, wall, own))

    def copy(self, session: Session, copy: Copy) -> None:
        for take in self.copy_takers:
            take(session, copy.data, copy.text)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
