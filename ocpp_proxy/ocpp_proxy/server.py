"""Puts the proxy together from its settings, starts it and stops it within ten seconds."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from random import Random

from websockets.server import ServerProtocol

from . import logs
from .access import HandshakeSlots, Networks
from .bootcache import BootCache
from .charger_leg import ChargerLeg
from .commandline import Settings
from .errors import OptionError
from .handshake import Admission, Handshakes
from .journal import Journal
from .keychange import KeyChange
from .legs import Pace
from .listener import Listener, open_socket
from .mirror import Secondaries
from .refusals import Refusals
from .relay.session import Relay
from .relay.settings import RelaySettings
from .session import Session
from .stations import MOST_STATIONS, Key, Station, Stations
from .tls import Certificate, TlsListener
from .upstream_leg import Route, UpstreamLeg

log = logs.get()

CERTIFICATE_CHECK = 3600.0
# Asked-for close frames get this long before both connections are cut.
PATIENCE = 5.0


class ProxyServer:
    """The running proxy: `start`, then `stop`; `journal` and `stations` are for those who look."""

    def __init__(
        self, settings: Settings, *, pace: Pace | None = None,
        wall_time: Callable[[], float] = time.time, random: Random | None = None,
    ) -> None:  # fmt: skip
        options = settings.options
        self.settings = settings
        self.via = f"ocpp-proxy-{secrets.token_hex(4)}"
        self.journal = Journal(time.monotonic, wall_time, mask_id_tags=options.mask_id_tags)
        most = max(MOST_STATIONS, options.max_connections)
        self.stations = Stations(BootCache(settings.data), wall_time, most)
        self.refusals = Refusals(wall_time)
        self._pace = pace or pace_of(settings)
        self._random = random or Random()
        self._slots = HandshakeSlots(options.max_connections)
        self._gate = Handshakes(
            options, self.stations, self._slots, self.via, self._new_session, self.refusals
        )
        self._listener: Listener | None = None
        self._tls: TlsListener | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._legs: set[ChargerLeg] = set()
        self._secondaries = Secondaries(
            options, self.stations, self._pace, self.via, self._random, _utc_now
        )

    @property
    def port(self) -> int:
        """The port really listened on."""
        assert self._listener is not None
        return self._listener.port

    @property
    def accepting(self) -> bool:
        return self._listener is not None and self._listener.accepting

    async def start(self) -> None:
        """Listen; raises OptionError when that cannot be."""
        options = self.settings.options
        if options.ssl:
            self._tls = TlsListener(
                Certificate.of(options.certfile, options.keyfile, self.settings.tls_folder),
                legacy=options.tls_legacy,
            )
        await refuse_own_address(self.settings)
        known = self.stations.load()
        if options.secondaries:
            self._secondaries.listen(self.journal)
        self._listener = Listener(
            open_socket(self.settings.listen_host, self.settings.listen_port),
            self._new_leg,
            self._slots,
            Networks(options.allowed_ips),
            self._tls.context if self._tls else None,
            self._pace.handshake_timeout,
            self.refusals,
        )
        self._listener.start()
        if self._tls is not None:
            self._renewal = asyncio.get_running_loop().create_task(self._renew(self._tls))
        log.info(
            "listening on %s port %d (%s), relaying to %s, %d stations known",
            self.settings.listen_host, self.port, "wss" if self._tls else "ws",
            options.target_of(None), known,
        )  # fmt: skip

    async def stop(self) -> None:
        """Close every leg with 1001, wait at most 5 s, cut what is left, save."""
        self._gate.stopping = True
        if self._renewal is not None:
            self._renewal.cancel()
        if self._listener is not None:
            await self._listener.stop()
        sessions = self.stations.sessions
        for session in sessions:
            session.stop()
        secondaries = asyncio.ensure_future(self._secondaries.close())
        opening = [leg for leg in self._legs if leg.shaking_hands]
        for leg in opening:
            leg.answer_stopping()
        waits = [asyncio.ensure_future(session.wait_ended()) for session in sessions]
        waits += [asyncio.ensure_future(asyncio.shield(leg.gone)) for leg in opening]
        if waits:
            _, late = await asyncio.wait(waits, timeout=PATIENCE)
            for wait in late:
                wait.cancel()
        for session in self.stations.sessions:
            session.abort()
        for leg in list(self._legs):
            leg.abort()
        # One turn of the loop for the ends that were just brought about.
        await asyncio.sleep(0)
        await self.stations.close()
        await self.journal.close()
        await secondaries

    def reload_certificate(self) -> bool:
        """Look now whether the certificate files were renewed."""
        return self._tls is not None and self._tls.reload_if_changed()

    async def _renew(self, tls: TlsListener) -> None:
        while True:
            await asyncio.sleep(CERTIFICATE_CHECK)
            tls.reload_if_changed()

    def _new_leg(self, peer: str, accepted: float) -> ChargerLeg:
        protocol = ServerProtocol(
            # A function, not a method: the library binds it to the protocol itself.
            select_subprotocol=lambda _, offered: self._gate.select_subprotocol(offered),
            max_size=self._pace.max_message_size,
        )
        leg = ChargerLeg(
            protocol, self._pace, self._gate, peer, accepted, secure=self._tls is not None
        )
        self._legs.add(leg)
        leg.gone.add_done_callback(lambda _: self._legs.discard(leg))
        return leg

    def _new_session(
        self, station: Station, key: Key, leg: ChargerLeg, upstream: UpstreamLeg, route: Route,
        admission: Admission,
    ) -> Session:  # fmt: skip
        options = self.settings.options
        plan = options.plan_of(admission.station)
        relay = Relay(
            station.id,
            station.memory,
            RelaySettings(
                options.on_upstream_loss, options.hold_seconds,
                plan.replay_boot, plan.replay_status,
            ),
            wall_clock=_utc_now,
            random=self._random,
            rules=plan.rules(station.memory, _utc_now),
        )  # fmt: skip
        relay.copies = bool(self.journal.copy_takers)
        return Session(
            station, key, relay, leg, upstream, route,
            open_timeout=float(options.upstream_open_timeout),
            subprotocol=route.subprotocol, stations=self.stations, journal=self.journal,
            key_change=KeyChange() if admission.station and admission.station.password else None,
        )  # fmt: skip


def _utc_now() -> datetime:
    return datetime.now(UTC)


def pace_of(settings: Settings) -> Pace:
    """Times and sizes of the legs as the options have them."""
    options = settings.options
    return Pace(
        ping_interval=float(options.ping_interval),
        ping_timeout=float(options.ping_timeout),
        max_message_size=options.max_message_size,
        message_rate=settings.message_rate,
        message_burst=settings.message_burst,
    )


async def refuse_own_address(settings: Settings) -> None:
    """Raises OptionError when the target is this very listener.

    Only asked when the ports are equal, since looking up a name may take time; what this misses
    is found by the Via header of the first request.
    """
    target = settings.options.target_of(None)
    if target.port != settings.listen_port:
        return
    loop = asyncio.get_running_loop()
    try:
        found = await asyncio.wait_for(loop.getaddrinfo(target.host, target.port), 1.5)
    except (OSError, TimeoutError, UnicodeError):
        return
    if any(_is_listener(str(entry[4][0]), settings.listen_host) for entry in found):
        raise OptionError(
            "target_host", f"{target} is this proxy itself",
            "write host and port of the central system, for evcc port 8887",
        )  # fmt: skip


def _is_listener(address: str, listen_host: str) -> bool:
    """Whether connecting to an address of this machine reaches the listener.

    Only to an address of its own can a machine bind a socket.
    """
    if listen_host not in ("0.0.0.0", "::", address):
        return False
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return True
    return False
