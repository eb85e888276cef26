"""All secondaries and the stations they listen to: takes copies from the journal, makes links."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final

from .. import __version__, headers, logs, subprotocols, targets, urls
from ..legs import Pace
from ..observers import ConnectionFacts
from ..options import Options, SecondaryOptions
from ..relay.events import Leg as Side
from ..relay.memory import StationMemory
from ..stations import Stations
from ..upstream_leg import Route
from .link import Link
from .mirror import Mirror

if TYPE_CHECKING:
    from ..feed import Feed
    from ..journal import Journal
    from ..session import Session

log = logs.get("secondary")

MOST_LINKS: Final = 400
_AGENT: Final = f"ocpp-proxy/{__version__}"


class Secondaries:
    """An observer of the journal that passes copies on; it never touches a session.

    via: our own token in `Via`, so that a secondary that is this proxy is refused.
    """

    def __init__(
        self, options: Options, stations: Stations, pace: Pace, via: str, random: Random,
        wall_clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._options = options
        self._stations = stations
        self._pace = pace
        self._via = via
        self._random = random
        self._wall_clock = wall_clock
        self._links: dict[str, dict[int, Link]] = {}
        self._connections: dict[str, int] = {}
        self._feed: Feed | None = None

    def listen(self, journal: Journal) -> None:
        """Take copies from now on; sessions that began earlier are not copied."""
        self._feed = journal.add(self)
        journal.copy_takers.append(self._take)

    async def close(self) -> None:
        """End all connections within 1.5 s."""
        links = [link for each in self._links.values() for link in each.values()]
        if links:
            await asyncio.gather(*(link.close() for link in links))

    def _take(self, session: Session, data: bytes, text: bool) -> None:
        """Called within the charger's own path: only puts the copy into the feed."""
        if self._feed is not None:
            self._feed.offer_message(
                len(data), partial(self._copied, session.station.id, data, text)
            )

    # Told by the feed, in order.

    def _copied(self, station: str, data: bytes, text: bool) -> None:
        for link in self._links.get(station, {}).values():
            link.charger_called(data, text)

    def message(
        self, station: str, leg: Side, data: bytes, text: bool, monotonic: float, wall: float,
        own: bool = False,
    ) -> None:  # fmt: skip
        """The primary's answers tell its transaction ids."""
        if leg is Side.UPSTREAM:
            for link in self._links.get(station, {}).values():
                link.primary_said(data)

    def connected(self, station: str, facts: ConnectionFacts, monotonic: float) -> None:
        """A charger is on."""
        self._connections[station] = self._connections.get(station, 0) + 1
        known = self._links.setdefault(station, {})
        for index, secondary in enumerate(self._options.secondaries):
            if secondary.stations and station not in secondary.stations:
                continue
            if index not in known:
                self._forget_idle()
                known[index] = self._link(station, secondary)
            known[index].charger_came(self._route(station, secondary, facts))

    def disconnected(self, station: str, monotonic: float) -> None:
        """A connection of a charger is gone; a newer one may stand already."""
        self._connections[station] = self._connections.get(station, 1) - 1
        if self._connections[station] <= 0:
            del self._connections[station]
            for link in self._links.get(station, {}).values():
                link.charger_left()

    def upstream(self, station: str, up: bool) -> None:
        """The primary's fate is none of ours."""

    def latency(self, station: str, leg: Side, ms: float) -> None:
        """Nor is its pace."""

    def _link(self, station: str, secondary: SecondaryOptions) -> Link:
        target = targets.parse(secondary.url)

        def note(text: str) -> None:
            log.limited(
                "info", f"secondary {text.split()[0]}", f"{target} {station}", "%s: %s: %s",
                station, target, text,
            )  # fmt: skip

        mirror = Mirror(partial(self._memory, station), self._wall_clock, self._random, note)
        timeout = float(self._options.upstream_open_timeout)
        return Link(station, mirror, self._pace, timeout, self._random)

    def _memory(self, station: str) -> StationMemory | None:
        known = self._stations.find(station)
        return None if known is None else known.memory

    def _route(self, station: str, secondary: SecondaryOptions, facts: ConnectionFacts) -> Route:
        target = targets.parse(secondary.url)
        username, password = secondary.username, secondary.password or ""
        if username is None:
            username, password = target.username, target.password
        added = [("User-Agent", _AGENT), ("Via", f"1.1 {self._via}")]
        if username is not None:
            added.append(("Authorization", headers.basic(username, password)))
        return Route(
            replace(target, username=None, password=""),
            f"{target.path}/{urls.encode_id(station)}",
            "",
            subprotocols.canonical(facts.subprotocol or self._options.subprotocols[0]),
            tuple(added),
        )

    def _forget_idle(self) -> None:
        """Keep what is kept for stations that are off within limits."""
        if sum(map(len, self._links.values())) < MOST_LINKS:
            return
        for station, links in list(self._links.items()):
            if station not in self._connections and not any(x.running for x in links.values()):
                del self._links[station]
                return
