"""One WebSocket connection on top of the `websockets` protocol core: messages, pings, ends.

No tasks and no queues: a message is handed to the owner while its bytes are being received, and
reading pauses where the other side cannot take more. `charger_leg` and `upstream_leg` add the
opening handshakes.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast

from websockets.frames import Frame, Opcode
from websockets.protocol import CONNECTING, OPEN, SERVER
from websockets.protocol import Protocol as WebSocketProtocol

from . import closing, logs, wholeframes
from .keepalive import Keepalive
from .relay.events import Closed

log = logs.get("legs")

MOST_FRAGMENTS = 4096
MOST_WAITING = 4
# More unsent bytes than this beside one message mean a peer that sends pings and reads nothing.
UNSENT_SLACK = 1 << 20

END_OF_HEADERS = b"\r\n\r\n"

# Taken from one peer before others have their turn: whole messages, or bytes of anything else.
MESSAGES_AT_ONCE = 200
BYTES_AT_ONCE = 8192

# Why reading is paused; bits, because several reasons may hold at once.
PARTNER, RATE, WAITING, TURN = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds, sizes in bytes, for both legs.

    `ping_interval` 0: no pings; `ping_timeout` 0: never give up because of them. A charger may
    send `message_rate` messages a second for long, and `message_burst` at once.
    """

    ping_interval: float = 20.0
    ping_timeout: float = 40.0
    send_timeout: float = 10.0
    close_timeout: float = 5.0
    handshake_timeout: float = 10.0
    first_message_timeout: float = 120.0
    max_message_size: int = 1 << 20
    message_rate: int = 200
    message_burst: int = 1000


class Owner(Protocol):
    """What a leg tells its session, from within the event loop's callbacks."""

    def received(self, leg: Leg, data: bytes, text: bool) -> None: ...
    def lost(self, leg: Leg, closed: Closed) -> None: ...
    def full(self, leg: Leg) -> None: ...
    def drained(self, leg: Leg) -> None: ...
    def measured(self, leg: Leg, seconds: float) -> None: ...
    def ended(self, leg: Leg) -> None: ...


class Leg(asyncio.Protocol):
    """An open or opening WebSocket connection; subclasses do the opening handshake.

    `gone` is done when the TCP connection has ended. `latency` is the last ping's round trip in
    seconds, 0 before the first. `station` is whose connection it is, empty until that is known;
    `given_up` is why we ended it ourselves, empty if we did not.
    """

    name = "leg"

    __slots__ = (
        "_borders",
        "_closed",
        "_deadline",
        "_ends",
        "_fragments",
        "_kept",
        "_kind",
        "_loop",
        "_owner",
        "_paused",
        "_peer_masks",
        "_stall",
        "_timed_out",
        "_unsent",
        "_waiting",
        "given_up",
        "gone",
        "keepalive",
        "pace",
        "protocol",
        "station",
        "transport",
        "writing_paused",
    )

    def __init__(self, protocol: WebSocketProtocol, pace: Pace) -> None:
        self._loop = asyncio.get_running_loop()
        self.protocol = protocol
        self.pace = pace
        self.transport: asyncio.Transport
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self.keepalive: Keepalive | None = None
        self.writing_paused = False
        self.station = ""
        self.given_up = ""
        self._owner: Owner | None = None
        self._waiting: deque[tuple[bytes, bool]] = deque()
        # A server's peer masks its frames and gets unmasked ones (RFC 6455 §5.1).
        self._peer_masks = protocol.side is SERVER
        self._borders = wholeframes.Borders()
        self._fragments: list[bytes] = []
        self._kind = True
        self._kept = b""
        self._paused = 0
        self._unsent = 0
        self._closed: Closed | None = None
        self._ends = False
        self._timed_out = False
        self._stall: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None

    # What a session may ask.

    @property
    def latency(self) -> float:
        return self.keepalive.latency if self.keepalive else 0.0

    @property
    def closed(self) -> Closed | None:
        """How the connection ended, as soon as that is known."""
        return self._closed

    def attach(self, owner: Owner) -> None:
        """Hand everything over: first what arrived meanwhile, then each message as it comes."""
        while self._waiting and not self._ends:
            owner.received(self, *self._waiting.popleft())
        self._owner = owner
        already_closed = self._closed
        self.resume(WAITING)
        if self.writing_paused:
            owner.full(self)
        if already_closed is not None:
            owner.lost(self, already_closed)
        if self.gone.done():
            owner.ended(self)

    def send(self, data: bytes, text: bool) -> None:
        """Queue one message; dropped when the connection is closing or closed."""
        protocol = self.protocol
        if protocol.state is not OPEN or self._ends:
            return
        self.transport.write(wholeframes.write(data, text, not self._peer_masks))
        if self.writing_paused:
            self._check_unsent()

    def close(self, code: int, reason: str = "", *, within: float | None = None) -> None:
        """Begin the closing handshake; after `within` seconds the connection is aborted."""
        if self._ends:
            self._end_within(self.pace.close_timeout if within is None else within)
            return
        self._ends = True
        if self.protocol.state is OPEN:
            self.protocol.send_close(code, closing.close_reason(reason))
            self._flush()
        elif self.protocol.state is CONNECTING:
            self.abort()
        self._end_within(self.pace.close_timeout if within is None else within)

    def abort(self) -> None:
        """End the TCP connection now."""
        self._ends = True
        # A transport that is gone already must not be touched (asyncio of Python 3.11 raises).
        if not self.gone.done():
            self.transport.abort()

    def pause(self, reason: int) -> None:
        """Stop reading from the peer until `resume` was called for every reason."""
        if not self._paused and not self.transport.is_closing():
            self.transport.pause_reading()
        self._paused |= reason

    def resume(self, reason: int) -> None:
        was, self._paused = self._paused, self._paused & ~reason
        if was and not self._paused and not self.transport.is_closing():
            kept, self._kept = self._kept, b""
            self._take(kept)
            if self._paused or self.transport.is_closing():
                return
            self.transport.resume_reading()
            if self.keepalive:
                self.keepalive.unanswered = None

    @property
    def reading_paused(self) -> bool:
        return self._paused != 0

    # What a subclass does when its handshake is through.

    def opened(self) -> None:
        self.keepalive = Keepalive(self)

    def ping(self, payload: bytes) -> None:
        if self.protocol.state is OPEN and not self.writing_paused:
            self.protocol.send_ping(payload)
            self._flush()

    def give_up(self) -> None:
        """Close because the peer is silent: counts as 1006, whatever we send."""
        self._timed_out = True
        self._ended_by_us(
            f"no answer to pings and nothing else for {self.pace.ping_timeout:g} s (ping_timeout)"
        )
        if self.protocol.state is OPEN and not self._ends:
            self.protocol.fail(1011, "keepalive ping timeout")
            self._flush()
        self._end_within(1.0)
        self._report()

    @property
    def address(self) -> str:
        """The peer's address, for the log."""
        peer = self.transport.get_extra_info("peername")
        return str(peer[0]) if peer else "?"

    # asyncio's callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(32768)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        if self.keepalive is not None:
            self.keepalive.unanswered = None
        if self._kept:
            self._kept += data
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        """Take what was received, until reading is paused or others have their turn."""
        used, size, left = 0, len(data), MESSAGES_AT_ONCE
        while used < size and left > 0 and not self._paused:
            whole = None
            if self._borders.clean and not self._fragments and self.protocol.state is OPEN:
                whole = wholeframes.read(data, used, self._peer_masks, self.pace.max_message_size)
            if whole is None:
                piece = data[used : used + max(BYTES_AT_ONCE, self._borders.missing)]
                used += len(piece)
                left = 0
                self._parse(piece)
            else:
                message, text, used = whole
                left -= 1
                self._message(message, text)
        if used < size:
            self._kept = data[used:]
            if not self._paused:
                self.pause(TURN)
                self._loop.call_soon(self.resume, TURN)

    def _take_rest(self) -> None:
        """The connection is gone: what had arrived counts all the same."""
        self._paused = 0
        while self._kept and not self._paused & RATE:
            kept, self._kept, self._paused = self._kept, b"", 0
            self._take(kept)

    def _parse(self, data: bytes) -> None:
        """Give the generic parser what is no whole message."""
        protocol = self.protocol
        self._borders.passed(data)
        protocol.receive_data(data)
        events = protocol.events_received()
        if protocol.writes:
            self._flush()
            self._check_unsent()
        for event in events:
            self._happened(event)
        if protocol.close_expected():
            self._end_within(self.pace.close_timeout)
            self._report()

    def eof_received(self) -> None:
        self.protocol.receive_eof()
        self._flush()
        self._end_within(self.pace.close_timeout)

    def pause_writing(self) -> None:
        self.writing_paused = True
        self._unsent = self.transport.get_write_buffer_size()
        self._stall = self._loop.call_later(self.pace.send_timeout, self._stalled)
        if self._owner is not None:
            self._owner.full(self)

    def resume_writing(self) -> None:
        self.writing_paused = False
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self._owner is not None:
            self._owner.drained(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._paused & RATE:
            self._take_rest()
        self.protocol.receive_eof()
        for timer in (self._stall, self._deadline):
            if timer is not None:
                timer.cancel()
        if self.keepalive is not None:
            self.keepalive.stop()
        self._report()
        self.gone.set_result(None)
        if self._owner is not None:
            self._owner.ended(self)

    # Inside.

    def _happened(self, event: object) -> None:
        """One frame; subclasses see to the handshake's own event first."""
        frame = cast(Frame, event)
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            if frame.fin:
                self._message(bytes(frame.data), opcode is Opcode.TEXT)
            else:
                self._kind = opcode is Opcode.TEXT
                self._fragments = [bytes(frame.data)]
        elif opcode is Opcode.CONT:
            self._fragment(frame)
        elif opcode is Opcode.PONG and self.keepalive is not None:
            latency = self.keepalive.pong(bytes(frame.data))
            if latency is not None and self._owner is not None:
                self._owner.measured(self, latency)

    def _fragment(self, frame: Frame) -> None:
        if len(self._fragments) >= MOST_FRAGMENTS:
            self._fragments = []
            if self.protocol.state is OPEN:
                self.protocol.fail(1009, "too many fragments")
                self._flush()
            # What came in the same piece as the fragment too many is part of nothing.
            self._ends = True
            return
        self._fragments.append(bytes(frame.data))
        if frame.fin:
            data = b"".join(self._fragments)
            self._fragments = []
            self._message(data, self._kind)

    def _message(self, data: bytes, text: bool) -> None:
        if self._ends:
            return
        if self.keepalive is not None:
            self.keepalive.proved = True
        if self._owner is not None:
            self._owner.received(self, data, text)
            return
        self._waiting.append((data, text))
        if len(self._waiting) >= MOST_WAITING:
            self.pause(WAITING)

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.transport.write(data)
            elif self.transport.can_write_eof():
                # asyncio raises OSError here, uvloop RuntimeError, when the peer is gone already.
                with suppress(OSError, RuntimeError):
                    self.transport.write_eof()
            else:
                self.transport.close()

    def _check_unsent(self) -> None:
        if not self.writing_paused:
            return
        if self.transport.get_write_buffer_size() > self.pace.max_message_size + UNSENT_SLACK:
            self._ended_by_us("it takes no data")
            self.abort()

    def _stalled(self) -> None:
        self._stall = None
        unsent = self.transport.get_write_buffer_size()
        if unsent < self._unsent:
            self._unsent = unsent
            self._stall = self._loop.call_later(self.pace.send_timeout, self._stalled)
            return
        self._ended_by_us(f"it took no data for {self.pace.send_timeout:g} s")
        self.abort()

    def _ended_by_us(self, why: str) -> None:
        self.given_up = why
        log.limited(
            "warning", f"{self.name} given up", self.station or self.address,
            "%s: connection to %s at %s ended: %s", self.station or "unknown station", self.name,
            self.address, why,
        )  # fmt: skip

    def _end_within(self, seconds: float) -> None:
        if self.gone.done():
            return
        if self._deadline is not None:
            if self._deadline.when() <= self._loop.time() + seconds:
                return
            self._deadline.cancel()
        self._deadline = self._loop.call_later(seconds, self.abort)

    def _report(self) -> None:
        """Tell the owner, once, how the connection ended (RFC 6455 §7.1.5)."""
        if self._closed is None:
            self._closed = self._seen()
            if self._owner is not None:
                self._owner.lost(self, self._closed)

    def _seen(self) -> Closed:
        """The peer's close frame if it came first, else ours for its fault, else 1006."""
        protocol = self.protocol
        received, sent = protocol.close_rcvd, protocol.close_sent
        if received is not None and protocol.close_rcvd_then_sent is not False:
            return Closed(int(received.code), received.reason)
        if sent is not None and not self._timed_out:
            return Closed(int(sent.code), sent.reason)
        return Closed(closing.ABNORMAL)
