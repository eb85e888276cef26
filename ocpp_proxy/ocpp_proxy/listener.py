"""Accepts TCP connections: refuses before a byte is read, then hands sockets to charger legs.

An accept loop of our own, because a server's protocol would see a TLS client only after the TLS
handshake, too late for address lists and limits.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress

from . import logs
from .access import HandshakeSlots, Networks, normalise
from .charger_leg import ChargerLeg
from .errors import OptionError
from .refusals import Refusals

log = logs.get("listener")

BACKLOG = 128
# Ends a connection by a reset, so that nothing lingers here.
_RESET = struct.pack("ii", 1, 0)
_PATIENT_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

LegFactory = Callable[[str, float], ChargerLeg]


def open_socket(host: str, port: int, option: str = "--listen") -> socket.socket:
    """A listening socket; `::` takes IPv4 too.

    Raises OptionError when that cannot be, naming the `option` without its -host or -port.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        dual = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
        sock = socket.create_server(
            address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=dual
        )
    except (socket.gaierror, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no host name"
        raise OptionError(
            f"{option}-host", f"{host!a} is no address of this machine ({why})",
            "write 0.0.0.0 for all",
        ) from error  # fmt: skip
    except OSError as error:
        named, remedy = f"{option}-host", "write 0.0.0.0 for all"
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            named = f"{option}-port"
            remedy = "stop the other program (evcc-nightly uses 8888) or choose another port"
        raise OptionError(
            named, f"cannot listen on {host} port {port} ({error.strerror})", remedy
        ) from error
    sock.setblocking(False)
    return sock


class Listener:
    """The accept loop; `make` builds the leg for an address and the moment it was accepted."""

    def __init__(
        self, sock: socket.socket, make: LegFactory, slots: HandshakeSlots, allowed: Networks,
        context: ssl.SSLContext | None, handshake_timeout: float, refusals: Refusals,
    ) -> None:  # fmt: skip
        self._sock = sock
        self._make = make
        self._slots = slots
        self._allowed = allowed
        self._context = context
        self._timeout = handshake_timeout
        self._refusals = refusals
        self._loop = asyncio.get_running_loop()
        self._adopting: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return int(self._sock.getsockname()[1])

    @property
    def accepting(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        self._task = self._loop.create_task(self._accept())

    async def stop(self) -> None:
        """Accept nothing any more; TLS handshakes in progress end."""
        tasks = [*self._adopting, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._sock.close()

    async def _accept(self) -> None:
        while True:
            try:
                conn, address = await self._loop.sock_accept(self._sock)
            except OSError as error:
                # A peer that is gone already costs nothing; without file handles wait for some.
                if error.errno in _PATIENT_ERRORS:
                    log.limited("error", "accept", "", "cannot accept: %s", error.strerror)
                    await asyncio.sleep(1.0)
                continue
            try:
                self._admit(conn, normalise(str(address[0])))
            except OSError as error:
                log.debug("connection gone at accept: %s", error)
                conn.close()

    def _admit(self, conn: socket.socket, peer: str) -> None:
        cause = "allowed_ips" if self._allowed and peer not in self._allowed else "slots"
        if cause == "allowed_ips":
            refusal: str | None = "address not in allowed_ips"
        else:
            refusal = self._slots.enter(peer)
        if refusal is not None:
            log.limited("warning", refusal, peer, "%s refused: %s", peer, refusal)
            self._refusals.note(cause, peer, refusal)
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            conn.close()
            return
        try:
            _tune(conn)
        except OSError:
            self._slots.leave(peer)
            raise
        task = self._loop.create_task(self._adopt(conn, peer, self._loop.time()))
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    async def _adopt(self, conn: socket.socket, peer: str, accepted: float) -> None:
        """Give the socket to a leg; with TLS after its handshake. The leg gives the slot back."""
        made: list[ChargerLeg] = []

        def factory() -> ChargerLeg:
            made.append(self._make(peer, accepted))
            return made[0]

        try:
            await self._loop.connect_accepted_socket(
                factory, conn, ssl=self._context,
                ssl_handshake_timeout=self._timeout if self._context else None,
            )  # fmt: skip
        except (OSError, ssl.SSLError) as error:
            log.limited(
                "warning", "tls", peer, "%s: no TLS handshake (%s)%s", peer, _tls_text(error),
                _tls_hint(error),
            )  # fmt: skip
            self._refusals.note("tls", peer, f"no TLS handshake: {_tls_text(error)}")
        finally:
            # A leg that got its connection counts for itself.
            if not (made and made[0].connected):
                self._slots.leave(peer)
                if made:
                    made[0].gone.cancel()
                with suppress(OSError):
                    conn.close()


def _tune(conn: socket.socket) -> None:
    """TCP keepalive finds a peer without power when pings are off (60 s, then 5 probes)."""
    conn.setblocking(False)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 5)):
        if hasattr(socket, name):
            conn.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _tls_text(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error or type(error).__name__)


def _tls_hint(error: Exception) -> str:
    text = _tls_text(error)
    if "HTTP_REQUEST" in text or "WRONG_VERSION" in text:
        return ": it speaks plain ws://, set the wallbox to wss:// or switch ssl off"
    if "NO_SHARED_CIPHER" in text or "UNSUPPORTED_PROTOCOL" in text:
        return ": an old wallbox may need tls_legacy"
    return ""
