"""Shows the stations in Home Assistant: an observer that drives the MQTT publisher.

Everything runs in the event loop's thread; `run` is to be cancelled before the publisher's.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import logs
from .entities import Shown, Topics, device, having_value, safe_id, states
from .following import Follower
from .homeassistant import Origin, Publisher, state_json
from .keptstations import KeptStations
from .observers import ConnectionFacts
from .relay.events import Leg
from .station import Station

MOST_STATIONS = 100
# Seconds: changes are gathered for a moment; readings grow old even when nothing arrives.
PAUSE = 0.2
TICK = 5.0

_log = logs.get("entities")


@dataclass(slots=True)
class _Tracked:
    follower: Follower
    topics: Topics
    shown: set[Shown] = field(default_factory=set)
    announced: tuple[object, ...] = ()
    published: int = -1

    @property
    def station(self) -> Station:
        return self.follower.station


class StationPublishing:
    """An `Observer`: follows all stations and publishes those whose boot upstream accepted."""

    def __init__(
        self,
        publisher: Publisher,
        kept: KeptStations,
        origin: Origin,
        *,
        prefix: str = "ocpp_proxy",
        mask_id_tags: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publisher = publisher
        self._kept = kept
        self._origin = origin
        self._prefix = prefix
        self._mask_id_tags = mask_id_tags
        self._clock = clock
        self._tracked: dict[str, _Tracked] = {}
        self._changed = asyncio.Event()
        self._worth_keeping: tuple[object, ...] = ()
        for station_id, (station, shown) in list(kept.load().items())[:MOST_STATIONS]:
            self._tracked[station_id] = self._new(station, shown)

    @property
    def stations(self) -> Mapping[str, Station]:
        """All stations followed now, by id; to look at, not to change."""
        return {station_id: each.station for station_id, each in self._tracked.items()}

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
        """See `Observer`; what cannot be decoded changes nothing."""
        if tracked := self._track(station):
            tracked.follower.message(leg, data, monotonic, wall, own)
            self._changed.set()

    def connected(self, station: str, facts: ConnectionFacts, monotonic: float) -> None:
        """See `Observer`."""
        if tracked := self._track(station):
            tracked.follower.connected(facts)
            self._changed.set()

    def disconnected(self, station: str, monotonic: float) -> None:
        """See `Observer`."""
        if tracked := self._tracked.get(station):
            tracked.follower.disconnected()
            self._changed.set()

    def upstream(self, station: str, up: bool) -> None:
        """See `Observer`."""
        if tracked := self._tracked.get(station):
            tracked.follower.upstream(up)
            self._changed.set()

    def latency(self, station: str, leg: Leg, ms: float) -> None:
        """See `Observer`."""
        if tracked := self._tracked.get(station):
            tracked.follower.latency(leg, ms)
            self._changed.set()

    # Work.

    async def run(self) -> None:
        """Publish changes until cancelled; then once more, and keep what a restart needs."""
        try:
            while True:
                self.flush()
                await self._keep()
                await asyncio.sleep(PAUSE)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK):
                        await self._changed.wait()
        finally:
            self.flush()
            await self._kept.save(self._accepted())

    def flush(self) -> None:
        """Hand everything that changed to the publisher."""
        self._changed.clear()
        now = self._clock()
        for tracked in self._tracked.values():
            tracked.follower.tick(now)
            if tracked.station.accepted and tracked.published != tracked.follower.changes:
                tracked.published = tracked.follower.changes
                self._publish(tracked)

    def forget(self, station_id: str) -> bool:
        """Take a station out of Home Assistant; False if it is not known.

        One that is still connected comes back with its next accepted BootNotification.
        """
        tracked = self._tracked.pop(station_id, None)
        if tracked is None:
            return False
        topics = tracked.topics
        for topic in states(tracked.station, tracked.shown, topics):
            self._publisher.publish(topic, "")
        self._publisher.publish(topics.availability, "")
        self._publisher.withdraw(f"ocpp_{topics.sid}")
        _log.info("%s is no longer shown in Home Assistant", station_id)
        station = tracked.station
        if station.charger_connected:
            self._tracked[station_id] = self._new(_as_connected(station))
        self._changed.set()
        return True

    def _publish(self, tracked: _Tracked) -> None:
        station, topics = tracked.station, tracked.topics
        tracked.shown.update(having_value(station))
        self._announce(tracked)
        for topic, members in states(
            station, tracked.shown, topics, mask_id_tags=self._mask_id_tags
        ).items():
            self._publisher.publish(topic, state_json(members))
        availability = "online" if station.charger_connected else "offline"
        self._publisher.publish(topics.availability, availability)

    def _announce(self, tracked: _Tracked) -> None:
        """Announce when something of it changed; building the message is much work."""
        station = tracked.station
        content = (
            *(station.vendor, station.model, station.serial, station.firmware),
            *(station.single, len(tracked.shown)),
        )
        if content != tracked.announced:
            if not tracked.announced:
                _log.info("%s is shown in Home Assistant", station.id)
            tracked.announced = content
            self._publisher.announce(device(station, tracked.shown, self._origin, tracked.topics))

    def _track(self, station_id: str) -> _Tracked | None:
        tracked = self._tracked.get(station_id)
        if tracked is not None:
            return tracked
        if len(self._tracked) >= MOST_STATIONS and not self._make_room():
            _log.limited(
                *("warning", "most stations", "", "%d stations are followed, %s is not: %s"),
                *(MOST_STATIONS, station_id, "forget one that is no longer needed"),
            )
            return None
        tracked = self._tracked[station_id] = self._new(Station(station_id))
        return tracked

    def _make_room(self) -> bool:
        """Drop a station that nobody accepted and that is gone; False if there is none."""
        for station_id, each in self._tracked.items():
            if not each.station.accepted and not each.station.charger_connected:
                del self._tracked[station_id]
                return True
        return False

    def _new(self, station: Station, shown: set[Shown] | None = None) -> _Tracked:
        topics = Topics(self._prefix, safe_id(station.id))
        return _Tracked(Follower(station), topics, shown or set())

    def _accepted(self) -> dict[str, tuple[Station, set[Shown]]]:
        return {
            station_id: (each.station, each.shown)
            for station_id, each in self._tracked.items()
            if each.station.accepted
        }

    async def _keep(self) -> None:
        """Save when something changed that a restart needs; meter readings alone do not count."""
        content = tuple(
            (
                station_id,
                len(shown),
                station.firmware,
                station.number_of_connectors,
                station.sample_interval,
                *(
                    (each.transaction_id, each.session_start, each.transaction is None)
                    for each in station.connectors.values()
                ),
            )
            for station_id, (station, shown) in self._accepted().items()
        )
        if content != self._worth_keeping:
            self._worth_keeping = content
            await self._kept.save(self._accepted())


def _as_connected(station: Station) -> Station:
    """A fresh start for a station that was forgotten while connected."""
    return Station(
        station.id,
        charger_connected=True,
        upstream_connected=station.upstream_connected,
        connects=1,
        peer_address=station.peer_address,
        protocol=station.protocol,
    )
