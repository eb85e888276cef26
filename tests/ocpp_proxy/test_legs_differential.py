"""Legs beside the library alone: of any bytes, cut anywhere, both must make the same.

Same messages, same answers on the wire, same end. The library gets the bytes in one piece, a leg
in pieces, so that whole frames take the short way of `wholeframes` in every mixture with the rest.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp_proxy.charger_leg import ChargerLeg
from ocpp_proxy.legs import Leg, Pace
from ocpp_proxy.refusals import Refusals
from ocpp_proxy.relay.events import Closed
from ocpp_proxy.upstream_leg import UpstreamLeg
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import CLIENT, OPEN, SERVER
from websockets.protocol import Protocol as WebSocketProtocol
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri
from websockets.utils import accept_key, apply_mask

# Each example is a stream through two readers, about three milliseconds.
FEWER = settings(max_examples=settings().max_examples // 4)
MOST = 300
PACE = Pace(ping_interval=0, max_message_size=MOST, close_timeout=60.0)
URI = parse_uri("ws://upstream.test/CP1")
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
REQUEST = (
    "GET /CP1 HTTP/1.1\r\nHost: proxy.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
RESPONSE = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {accept_key(KEY)}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
).encode()

TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT


@dataclass
class Outcome:
    """What came of the bytes: messages with their kind, frames sent back, and the end."""

    messages: list[tuple[bytes, bool]] = field(default_factory=list)
    answers: list[tuple[Opcode, bytes]] = field(default_factory=list)
    closed: Closed | None = None


class Wire:
    """A transport that keeps what is written, and hands over nothing while reading is paused."""

    def __init__(self) -> None:
        self.written = b""
        self.reading = True
        self.ended = False

    def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def abort(self) -> None:
        self.ended = True

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.ended

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int) -> None: ...
    def get_extra_info(self, name: str) -> None: ...


class Notes:
    """An owner that notes messages and the end."""

    def __init__(self) -> None:
        self.outcome = Outcome()

    def received(self, leg: Leg, data: bytes, text: bool) -> None:
        assert self.outcome.closed is None
        self.outcome.messages.append((data, text))

    def lost(self, leg: Leg, closed: Closed) -> None:
        assert self.outcome.closed is None
        self.outcome.closed = closed

    def full(self, leg: Leg) -> None: ...
    def drained(self, leg: Leg) -> None: ...
    def measured(self, leg: Leg, seconds: float) -> None: ...
    def ended(self, leg: Leg) -> None: ...


class Gate:
    """Lets every wallbox in, when it is told to."""

    def __init__(self) -> None:
        self.refusals = Refusals(lambda: 0.0)
        self.open = asyncio.Event()
        self.over = asyncio.Event()

    async def handshake(self, leg: ChargerLeg, request: Request) -> None:
        await self.open.wait()
        leg.answer(leg.protocol.accept(request))

    def handshake_over(self, leg: ChargerLeg) -> None:
        self.over.set()


# The library alone.


def by_library(protocol: WebSocketProtocol, stream: bytes) -> Outcome:
    """What the library makes of the bytes in one piece, fragments joined and the end judged."""
    protocol.receive_data(stream)
    protocol.receive_eof()
    outcome, text = Outcome(), True
    parts: list[bytes] = []
    for frame in protocol.events_received():
        if not isinstance(frame, Frame) or frame.opcode not in (TEXT, BINARY, CONT):
            continue
        if frame.opcode is not CONT:
            parts, text = [], frame.opcode is TEXT
        parts.append(bytes(frame.data))
        if frame.fin:
            outcome.messages.append((b"".join(parts), text))
    outcome.answers = sent_by(protocol.side is CLIENT, b"".join(protocol.data_to_send()))
    # RFC 6455 §7.1.5: the code of the peer's close frame, else the one its fault made us send.
    close = protocol.close_rcvd if protocol.close_rcvd_then_sent else protocol.close_sent
    outcome.closed = Closed(int(close.code), close.reason) if close else Closed(1006)
    return outcome


def sent_by(masked: bool, written: bytes) -> list[tuple[Opcode, bytes]]:
    """The frames in what one side wrote, without their masks."""
    reader = WebSocketProtocol(SERVER if masked else CLIENT, state=OPEN, max_size=None)
    reader.receive_data(written)
    frames = [event for event in reader.events_received() if isinstance(event, Frame)]
    return [(frame.opcode, bytes(frame.data)) for frame in frames]


# The bytes.


def written(
    head: int, data: bytes, masked: bool, *, width: int = 0, announced: int | None = None
) -> bytes:
    """A frame, right or wrong: any first byte, a length of 0, 2 or 8 bytes more, perhaps a lie."""
    size = len(data) if announced is None else announced
    bit = 0x80 if masked else 0
    if width == 8 or size > 65535:
        start = struct.pack("!BBQ", head, bit | 127, size)
    elif width == 2 or size > 125:
        start = struct.pack("!BBH", head, bit | 126, size)
    else:
        start = struct.pack("!BB", head, bit | size)
    if not masked:
        return start + data
    # A payload that looks like frames must still do so on the wire.
    key = bytes(4) if data[:1] in (b"\x81", b"\0") else b"\x0a\x0b\xff\x00"
    return start + key + apply_mask(data, key)


SIZES = st.sampled_from([0, 1, 2, 5, 60, 124, 125, 126, 127, 150, MOST - 1, MOST, MOST + 1])
# The last three are frames themselves for whoever mistakes where a frame begins.
FILLING = [
    *(bytes([65 + at]) * (MOST + 1) for at in range(5)),
    b"\xff\x81\x00" * MOST, bytes(MOST + 1), b"\x81\x81\0\0\0\0A" * MOST, b"\x81\x01A" * MOST,
]  # fmt: skip
DATA = st.builds(lambda filling, size: filling[:size], st.sampled_from(FILLING), SIZES)
WIDTH = st.sampled_from([0, 0, 0, 2, 8])
# Whole and fragmented messages of either kind, stray parts of one, pings, pongs; RFC 6455 §5.2.
WHOLE = st.builds(
    lambda head, data, width: lambda masked: written(head, data, masked, width=width),
    st.sampled_from([0x81, 0x81, 0x81, 0x82]), DATA, WIDTH,
)  # fmt: skip
PARTS = st.builds(
    lambda head, data, width: lambda masked: written(head, data, masked, width=width),
    st.sampled_from([0x01, 0x02, 0x00, 0x80, 0x80]), DATA, WIDTH,
)  # fmt: skip
FRAGMENTED = st.builds(
    lambda head, one, between, last: lambda masked: b"".join(
        [
            written(head, one[:90], masked),
            *(written(0x89 if odd else 0, b"mid", masked) for odd in between),
            written(0x80, last[:90], masked),
        ]
    ),
    st.sampled_from([0x01, 0x02]), DATA, st.lists(st.booleans(), max_size=3), DATA,
)  # fmt: skip
PINGS = st.builds(
    lambda head, data: lambda masked: written(head, data[:125], masked),
    st.sampled_from([0x89, 0x8A]), DATA,
)  # fmt: skip
CLOSES = st.builds(
    lambda payload: lambda masked: written(0x88, payload, masked),
    st.sampled_from([b"", b"\x03\xe8bye", b"\x03", b"\x03\xee", b"\x03\xe8\xff", b"\x0b\xb8"]),
)
# Reserved bits and opcodes, a mask too many or too few, lengths that are lies, noise.
WRONG = st.one_of(
    st.builds(
        lambda head, data: lambda masked: written(head, data, masked), st.integers(0, 255), DATA
    ),
    st.builds(lambda data: lambda masked: written(0x81, data, not masked), DATA),
    st.builds(
        lambda size, data: lambda masked: written(0x81, data, masked, announced=size),
        st.sampled_from([MOST + 1, 65536, 1 << 31, 1 << 63, (1 << 64) - 1, 3]), DATA,
    ),
    st.builds(lambda noise: lambda _: noise, st.binary(max_size=12)),
)  # fmt: skip
FRAME = st.one_of(WHOLE, WHOLE, FRAGMENTED, PINGS, PARTS, CLOSES, WRONG)
STREAM = st.lists(FRAME, max_size=7)
# How many bytes a read brings, in turn: one, the border of a header, some, everything. None given:
# each read brings one frame.
CUTS: st.SearchStrategy[list[int]] = st.one_of(
    st.just([]),
    st.lists(
        st.sampled_from([1, 1, 2, 3, 4, 6, 7, 8, 10, 14, 40, 131, 306, 1000, 9000]),
        min_size=1, max_size=12,
    ),
)  # fmt: skip
# Where the head of the handshake is cut, from its end, and how much comes in the read of its rest.
HEAD_CUT = st.sampled_from([0, 1, 2, 3, 4, 5, 50])
EARLY = st.sampled_from([0, 1, 2, 3, 6, 40, 200, 9000])


def pieces(frames: list[bytes], cuts: list[int]) -> Iterator[bytes]:
    """The frames as reads bring them; the cuts repeat."""
    if not cuts:
        yield from filter(None, frames)
        return
    stream = b"".join(frames)
    at = turn = 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        yield stream[at : at + size]
        at, turn = at + size, turn + 1


# The legs.


class Course:
    """One leg from its first byte to its last; `attach_after` reads its session comes."""

    def __init__(self, leg: Leg, attach_after: int) -> None:
        self.leg = leg
        self.wire = Wire()
        self.notes = Notes()
        self._attach_after = attach_after
        leg.connection_made(self.wire)  # type: ignore[arg-type]

    async def run(
        self, reads: Iterable[bytes], before: Callable[[], Awaitable[None]] | None = None
    ) -> Outcome:
        """Feed the bytes; as long as a leg reads nothing, it gets nothing."""
        for number, data in enumerate(reads):
            if number == self._attach_after or not self.wire.reading:
                await self._attach(before)
            self.leg.data_received(data)
        await self._attach(before)
        self.leg.eof_received()
        self.leg.connection_lost(None)
        self.notes.outcome.answers = sent_by(not self.leg._peer_masks, self._frames())
        return self.notes.outcome

    async def _attach(self, before: Callable[[], Awaitable[None]] | None) -> None:
        if self.leg._owner is None:
            if before is not None:
                await before()
            self.leg.attach(self.notes)

    def _frames(self) -> bytes:
        """What was written behind the handshake."""
        return self.wire.written.rpartition(b"\r\n\r\n")[2]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all examples: a new one for each would take longer than the example."""
    with asyncio.Runner() as runner:
        yield runner


@FEWER
@given(STREAM, CUTS, st.integers(0, 9))
def test_a_leg_makes_of_any_bytes_what_the_library_makes(
    runner: asyncio.Runner, made: list[Any], cuts: list[int], attach_after: int
) -> None:
    for side in (SERVER, CLIENT):
        frames = [frame(side is SERVER) for frame in made]

        async def run(side: Any = side, frames: list[bytes] = frames) -> Outcome:
            leg = Leg(WebSocketProtocol(side, state=OPEN, max_size=MOST), PACE)
            return await Course(leg, attach_after).run(pieces(frames, cuts))

        alone = WebSocketProtocol(side, state=OPEN, max_size=MOST)
        assert runner.run(run()) == by_library(alone, b"".join(frames))


def cut_head(head: bytes, frames: list[bytes], cut: int, early: int) -> list[bytes]:
    """Two reads with the head of a handshake; the second brings some of what follows as well."""
    return [head[: len(head) - cut], head[len(head) - cut :] + b"".join(frames)[:early]]


def later(frames: list[bytes], early: int, cuts: list[int]) -> Iterator[bytes]:
    """The reads after those with the head."""
    stream = b"".join(frames)
    return pieces([stream[early:]] if early else frames, cuts)


@FEWER
@given(STREAM, CUTS, st.integers(0, 9), HEAD_CUT, EARLY)
def test_frames_close_behind_upstreams_101_are_what_the_library_makes_of_them(
    runner: asyncio.Runner, made: list[Any], cuts: list[int], attach_after: int, cut: int,
    early: int,
) -> None:  # fmt: skip
    frames = [frame(False) for frame in made]

    def protocol() -> ClientProtocol:
        client = ClientProtocol(URI, subprotocols=[Subprotocol("ocpp1.6")], max_size=MOST)
        client.key = KEY
        return client

    async def run() -> Outcome:
        leg = UpstreamLeg(protocol(), PACE)
        course = Course(leg, attach_after)
        opening = asyncio.ensure_future(leg.handshake(()))
        await asyncio.sleep(0)

        async def opened() -> None:
            await opening

        for data in filter(None, cut_head(RESPONSE, frames, cut, early)):
            leg.data_received(data)
        return await course.run(later(frames, early, cuts), opened)

    alone = protocol()
    alone.connect()
    assert runner.run(run()) == by_library(alone, RESPONSE + b"".join(frames))


@FEWER
@given(STREAM, CUTS, st.integers(0, 9), HEAD_CUT, EARLY)
def test_frames_a_wallbox_sends_before_its_101_are_what_the_library_makes_of_them(
    runner: asyncio.Runner, made: list[Any], cuts: list[int], attach_after: int, cut: int,
    early: int,
) -> None:  # fmt: skip
    frames = [frame(True) for frame in made]

    async def run() -> Outcome:
        gate, protocol = Gate(), ServerProtocol(max_size=MOST)
        now = asyncio.get_running_loop().time()
        leg = ChargerLeg(protocol, PACE, gate, "192.0.2.7", now, secure=False)
        course = Course(leg, attach_after)

        async def let_in() -> None:
            gate.open.set()
            await gate.over.wait()

        for data in filter(None, cut_head(REQUEST, frames, cut, early)):
            leg.data_received(data)
        return await course.run(later(frames, early, cuts), let_in)

    alone = WebSocketProtocol(SERVER, state=OPEN, max_size=MOST)
    assert runner.run(run()) == by_library(alone, b"".join(frames))
