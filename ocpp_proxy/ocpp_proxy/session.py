"""Joins two legs and their relay: performs its effects, sees to flow control and time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING

from . import logs
from .access import TokenBucket
from .charger_leg import ChargerLeg
from .frames import scan
from .keychange import KeyChange
from .legs import PARTNER, RATE, Leg
from .relay.events import Close, Closed, Copy, Dial, Effect, Note, Send
from .relay.events import Leg as Side
from .relay.session import Relay
from .trail import Trail
from .upstream_leg import DialError, Route, UpstreamLeg, dial

if TYPE_CHECKING:
    from .journal import Journal
    from .stations import Key, Station, Stations

log = logs.get("session")

REPLACED = "replaced by new connection"


class Session:
    """One charger while it is connected; made with both legs open, lives until both are gone.

    `wait_ended` waits for that. Times are monotonic seconds.
    """

    __slots__ = (
        "_armed",
        "_bucket",
        "_dialling",
        "_finished",
        "_journal",
        "_key_change",
        "_loop",
        "_old_upstream",
        "_open_timeout",
        "_over",
        "_rate_timer",
        "_stations",
        "_timer",
        "charger",
        "key",
        "relay",
        "route",
        "since",
        "station",
        "subprotocol",
        "trail",
        "upstream",
        "why",
    )

    def __init__(
        self,
        station: Station,
        key: Key,
        relay: Relay,
        charger: ChargerLeg,
        upstream: UpstreamLeg,
        route: Route,
        *,
        open_timeout: float,
        subprotocol: str,
        stations: Stations,
        journal: Journal,
        key_change: KeyChange | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.station = station
        self.key = key
        self.relay = relay
        self.charger = charger
        self.upstream: UpstreamLeg | None = upstream
        charger.station = upstream.station = station.id
        self.route = route
        self.subprotocol = subprotocol
        self.since = monotonic()
        self.trail = Trail(station.id, mask_id_tags=journal.mask_id_tags)
        self.why = ""
        self._open_timeout = open_timeout
        self._stations = stations
        self._journal = journal
        self._bucket = TokenBucket(
            charger.pace.message_rate, charger.pace.message_burst, self.since
        )
        self._key_change = key_change
        self._rate_timer: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed = float("inf")
        self._dialling: asyncio.Task[None] | None = None
        self._old_upstream: UpstreamLeg | None = None
        self._over = False
        self._finished: asyncio.Future[None] = self._loop.create_future()

    # Life.

    def start(self) -> None:
        """Begin to relay; the charger has its 101."""
        self._journal.connected(self)
        self._perform(self.relay.start(monotonic()))
        upstream = self.upstream
        self.charger.attach(self)
        if upstream is not None and upstream is self.upstream:
            upstream.attach(self)

    async def replace(self) -> None:
        """Make room for a newer connection of the station; upstream's leg has ended then."""
        self.why = REPLACED
        dialling, upstream = self._dialling, self.upstream or self._old_upstream
        self._finish()
        self.charger.close(1008, REPLACED, within=1.0)
        if dialling is not None:
            await asyncio.wait([dialling])
        if upstream is not None:
            upstream.close(1001, REPLACED, within=2.0)
            await asyncio.wait([upstream.gone], timeout=2.5)

    def stop(self) -> None:
        """The proxy stops: tell both sides."""
        self.why = "proxy stops"
        self._perform(self.relay.stop())

    async def wait_ended(self) -> None:
        await asyncio.shield(self._finished)

    def abort(self) -> None:
        """End both connections without ceremony."""
        for leg in (self.charger, self.upstream, self._old_upstream):
            if leg is not None and not leg.gone.done():
                leg.abort()
        self._finish()

    # What the legs say.

    def received(self, leg: Leg, data: bytes, text: bool) -> None:
        if self._over:
            return
        now = monotonic()
        if leg is self.charger:
            side = Side.CHARGER
            if wait := self._bucket.take(now):
                self._slow_down(wait)
        elif leg is self.upstream:
            side = Side.UPSTREAM
        else:
            return
        head = scan(data)
        self._journal.message(self, side, head, data, text, now, own=False)
        if self._key_change is not None and (key := self._key_change.follow(side, data)):
            self.station.new_key = key
            log.warning(
                "upstream gave %s a new AuthorizationKey; it counts until the next restart, "
                "write it as the station's password", self.station.id,
            )  # fmt: skip
        self._perform(self.relay.received(side, head, data, text, now), data)

    def lost(self, leg: Leg, closed: Closed) -> None:
        if self._over:
            return
        now = monotonic()
        if leg is self.charger:
            self.why = self.why or leg.given_up or f"charger closed with {_said(closed)}"
            self._perform(self.relay.lost(Side.CHARGER, closed, now))
        elif leg is self.upstream:
            self.upstream, self._old_upstream = None, self.upstream
            self.charger.resume(PARTNER)
            self._journal.upstream(self, up=False)
            self._perform(self.relay.lost(Side.UPSTREAM, closed, now))

    def full(self, leg: Leg) -> None:
        partner = self.upstream if leg is self.charger else self.charger
        if partner is not None and leg in (self.charger, self.upstream):
            partner.pause(PARTNER)

    def drained(self, leg: Leg) -> None:
        partner = self.upstream if leg is self.charger else self.charger
        if partner is not None:
            partner.resume(PARTNER)

    def measured(self, leg: Leg, seconds: float) -> None:
        side = Side.CHARGER if leg is self.charger else Side.UPSTREAM
        self._journal.latency(self, side, seconds)

    def ended(self, leg: Leg) -> None:
        if leg is self._old_upstream:
            self._old_upstream = None
        if self.charger.gone.done() and (self.upstream is None or self.upstream.gone.done()):
            self._finish()

    # Effects.

    def _perform(self, effects: Iterable[Effect], original: bytes | None = None) -> None:
        for effect in effects:
            if type(effect) is Send:
                self._send(effect, original)
            else:
                self._perform_rare(effect)
        station, relay = self.station, self.relay
        if station.memory.version != station.saved_version:
            self._stations.changed(station)
        deadline = relay.deadline
        if deadline is not None and deadline < self._armed:
            self._arm(deadline)
        if relay.ended:
            self._stop_dialling()

    def _send(self, send: Send, original: bytes | None) -> None:
        side, data, text = send
        to_charger = side is Side.CHARGER
        if data is not original:
            source = Side.UPSTREAM if to_charger else Side.CHARGER
            self._journal.message(self, source, scan(data), data, text, monotonic(), own=True)
        leg = self.charger if to_charger else self.upstream
        if leg is not None:
            leg.send(data, text)

    def _perform_rare(self, effect: Effect) -> None:
        if isinstance(effect, Close):
            self._close(effect)
        elif isinstance(effect, Dial):
            self._dial(effect.delay)
        elif isinstance(effect, Note):
            log.line(effect.level, f"{self.station.id}: {effect.text}")
        elif isinstance(effect, Copy):
            self._journal.copy(self, effect)

    def _close(self, close: Close) -> None:
        if close.leg is Side.CHARGER:
            self.why = self.why or f"closed with {_said(Closed(close.code, close.reason))}"
            self.charger.close(close.code, close.reason)
            return
        if self.upstream is not None:
            self.upstream.close(close.code, close.reason)

    def _arm(self, deadline: float) -> None:
        """A later deadline than the armed one is found when that one fires: cheaper than moving."""
        if self._timer is not None:
            self._timer.cancel()
        self._armed = deadline
        # The loop's own clock is coarser on uvloop (1 ms), so it is only told how long to wait.
        self._timer = self._loop.call_later(max(0.0, deadline - monotonic()), self._due)

    def _due(self) -> None:
        self._timer, self._armed = None, float("inf")
        deadline, now = self.relay.deadline, monotonic()
        if self._over or deadline is None:
            return
        # A clock may fire a little early; the relay decides by the time it is given.
        if deadline - now > 0.0005:
            self._arm(deadline)
        else:
            self._perform(self.relay.due(max(now, deadline)))

    def _slow_down(self, wait: float) -> None:
        if self._rate_timer is None:
            log.limited(
                "warning", "too fast", self.charger.peer,
                "%s sends more than %d messages a second and is slowed down",
                self.station.id, self.charger.pace.message_rate,
            )  # fmt: skip
            self.charger.pause(RATE)
            self._rate_timer = self._loop.call_later(wait, self._speed_up)

    def _speed_up(self) -> None:
        self._rate_timer = None
        if wait := self._bucket.debt(monotonic()):
            self._rate_timer = self._loop.call_later(wait, self._speed_up)
        else:
            self.charger.resume(RATE)

    # Dialling upstream again.

    def _dial(self, delay: float) -> None:
        self._stop_dialling()
        self._dialling = self._loop.create_task(self._redial(delay))

    def _stop_dialling(self) -> None:
        if self._dialling is not None:
            self._dialling.cancel()
            self._dialling = None

    async def _redial(self, delay: float) -> None:
        await asyncio.sleep(delay)
        if self._old_upstream is not None:
            # Upstream may hold the station's name until the old connection has ended.
            await asyncio.wait([self._old_upstream.gone], timeout=2.0)
        try:
            upstream = await dial(self.route, self.charger.pace, self._open_timeout)
        except DialError as error:
            self._dialling = None
            now = monotonic()
            self._perform(self.relay.dial_failed(error.reason, now, error.already_exists))
            return
        except Exception as error:  # noqa: BLE001 - a held charger must not wait for nobody
            self._dialling = None
            log.limited(
                "error", "dial", self.station.id, "dialling upstream for %s failed: %r, please "
                "report it", self.station.id, error,
            )  # fmt: skip
            self._perform(self.relay.dial_failed(repr(error), monotonic()))
            return
        self._dialling = None
        self.upstream = upstream
        upstream.station = self.station.id
        if self.charger.writing_paused:
            upstream.pause(PARTNER)
        self._journal.upstream(self, up=True)
        self._perform(self.relay.dialled(monotonic()))
        if self.upstream is upstream:
            upstream.attach(self)

    def _finish(self) -> None:
        if self._over:
            return
        self._over = True
        self._stop_dialling()
        for timer in (self._timer, self._rate_timer):
            if timer is not None:
                timer.cancel()
        self._stations.ended(self)
        self._journal.disconnected(self, monotonic() - self.since)
        self._finished.set_result(None)


def _said(closed: Closed) -> str:
    return f"{closed.code} {closed.reason}".rstrip()
