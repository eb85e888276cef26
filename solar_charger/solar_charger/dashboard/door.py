"""Listening sockets, and who may come in: a stranger's connection is cut before a byte is read."""

from __future__ import annotations

import errno
import socket
import struct
import time
from collections.abc import Callable, Iterable

from .. import logs
from ..errors import OptionError
from ..networks import Networks, normalise

log = logs.get("page")

ALWAYS = ("172.30.32.2/32", "127.0.0.0/8", "::1/128")
"""The Supervisor, which brings ingress (home-assistant/supervisor: docker/network.py), and this
machine itself."""
BACKLOG = 64
PAUSE_S = 0.2
_RESET = struct.pack("ii", 1, 0)
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Door(socket.socket):
    """A listening socket that lets in only whom `welcome` names; everybody else gets a TCP reset.

    A refused connection looks to the server as one that was gone before it could be accepted
    (ECONNABORTED), which every accept loop knows.
    """

    welcome: Callable[[str], bool]

    @classmethod
    def around(cls, plain: socket.socket, welcome: Callable[[str], bool]) -> Door:
        """Takes over the descriptor of `plain`."""
        door = cls(fileno=plain.detach())
        door.welcome = welcome
        door.setblocking(False)
        return door

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        """The next welcome connection and its address.

        Raises BlockingIOError when nobody waits, ConnectionAbortedError for a stranger.
        """
        try:
            connection, address = super().accept()
        except OSError as error:
            if error.errno in _NO_ROOM:
                # Without a rest the accept loop would turn as fast as it can.
                log.limited("error", "accept", "", "cannot accept: %s", error.strerror)
                time.sleep(PAUSE_S)
                raise ConnectionAbortedError(errno.ECONNABORTED, "no room") from error
            raise
        peer = normalise(str(address[0])) if address else ""
        if not self.welcome(peer):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.close()
            raise ConnectionAbortedError(errno.ECONNABORTED, "not welcome")
        return connection, address


def only(allowed: Iterable[str], always: Iterable[str] = ALWAYS) -> Callable[[str], bool]:
    """Who may see the page: `always` and the networks (CIDR) in `allowed`."""
    networks = Networks([*always, *allowed])

    def welcome(peer: str) -> bool:
        if peer in networks:
            return True
        log.limited(
            "warning", "page refused", peer,
            "%s may not see the page: allow its network with --page-allow", peer,
        )  # fmt: skip
        return False

    return welcome


def anybody(peer: str) -> bool:
    """No address is turned away at the door."""
    return True


def open_door(host: str, port: int, option: str, welcome: Callable[[str], bool]) -> Door:
    """A bound and listening Door; `::` takes IPv4 too.

    Raises OptionError naming `option` (without its -host or -port) when that cannot be.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        dual = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
        plain = socket.create_server(
            address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=dual
        )
    except socket.gaierror as error:
        problem = f"{host} is no address of this machine ({error.strerror})"
        raise OptionError(f"{option}-host", problem, "write 0.0.0.0 for all") from error
    except OSError as error:
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        raise OptionError(
            f"{option}-port" if taken else f"{option}-host",
            f"cannot listen on {host} port {port} ({error.strerror})",
            "stop the other program or choose another port" if taken else "write 0.0.0.0 for all",
        ) from error
    return Door.around(plain, welcome)
