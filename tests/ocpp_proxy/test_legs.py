"""One leg alone: messages, pings and ends, over real sockets with raw frames on the other side."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.legs import MOST_FRAGMENTS, RATE, Leg, Pace
from ocpp_proxy.relay.events import Closed
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from tests.ocpp_proxy.harness import until

PACE = Pace(ping_interval=0, close_timeout=0.3, send_timeout=0.5)


class Notes:
    """An owner that notes what it is told."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, bool]] = []
        self.closed: list[Closed] = []
        self.flow: list[str] = []
        self.latencies: list[float] = []
        self.pause_after = 0
        self.over = asyncio.Event()
        self.arrived = asyncio.Event()

    def received(self, leg: Leg, data: bytes, text: bool) -> None:
        self.messages.append((data, text))
        self.arrived.set()
        if len(self.messages) == self.pause_after:
            leg.pause(RATE)

    def lost(self, leg: Leg, closed: Closed) -> None:
        self.closed.append(closed)

    def full(self, leg: Leg) -> None:
        self.flow.append("full")

    def drained(self, leg: Leg) -> None:
        self.flow.append("drained")

    def measured(self, leg: Leg, seconds: float) -> None:
        self.latencies.append(seconds)
        self.arrived.set()

    def ended(self, leg: Leg) -> None:
        self.over.set()


class Peer:
    """The raw end of a leg."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *frames: Frame) -> None:
        self.writer.write(b"".join(frame.serialize(mask=True) for frame in frames))

    async def frame(self) -> tuple[int, bytes]:
        async with asyncio.timeout(5):
            head = await self.reader.readexactly(2)
            size = head[1] & 127
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8))
            return head[0] & 15, await self.reader.readexactly(size)


class Pair:
    """A leg on the server side of a loopback connection, as after the handshake."""

    def __init__(self) -> None:
        self.leg: Leg
        self.peer: Peer
        self.notes = Notes()

    async def turn(self) -> None:
        """One more turn of the loop through a socket, after everything it has to do now."""
        reading, writing = socket.socketpair()
        with reading, writing:
            reading.setblocking(False)
            writing.send(b"x")
            await asyncio.get_running_loop().sock_recv(reading, 1)

    async def over(self) -> list[Closed]:
        async with asyncio.timeout(5):
            await self.notes.over.wait()
        return self.notes.closed


async def make_pair(stack: list[Any], pace: Pace) -> Pair:
    pair = Pair()

    def factory() -> Leg:
        protocol = Protocol(Side.SERVER, state=OPEN, max_size=pace.max_message_size)
        pair.leg = Leg(protocol, pace)
        return pair.leg

    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    pair.peer = Peer(*await asyncio.open_connection(*server.sockets[0].getsockname()[:2]))
    await until(lambda: hasattr(pair, "leg") and hasattr(pair.leg, "transport"))
    pair.leg.opened()
    stack += [server, pair]
    return pair


@pytest.fixture
async def pairs() -> AsyncIterator[Any]:
    stack: list[Any] = []

    async def make(pace: Pace = PACE) -> Pair:
        return await make_pair(stack, pace)

    yield make
    for each in stack:
        if isinstance(each, Pair):
            each.leg.abort()
            each.peer.writer.close()
        else:
            each.close()
    await asyncio.sleep(0)


TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT


async def test_kind_and_bytes_survive_also_in_fragments_and_without_valid_utf8(pairs: Any) -> None:
    pair = await pairs()
    pair.leg.attach(pair.notes)
    pair.peer.send(
        Frame(TEXT, b"[2]"),
        Frame(BINARY, b"\x00\xff"),
        Frame(TEXT, b"a\xff", fin=False),
        Frame(Opcode.PING, b"between"),
        Frame(CONT, b"b", fin=False),
        Frame(CONT, b"c"),
        Frame(BINARY, b"d", fin=False),
        Frame(CONT, b""),
        Frame(TEXT, b""),
    )
    assert await pair.peer.frame() == (Opcode.PONG, b"between")
    assert pair.notes.messages == [
        (b"[2]", True), (b"\x00\xff", False), (b"a\xffbc", True), (b"d", False), (b"", True),
    ]  # fmt: skip


async def test_what_arrives_before_the_owner_comes_first(pairs: Any) -> None:
    pair = await pairs()
    pair.peer.send(*(Frame(TEXT, str(n).encode()) for n in range(20)), Frame(Opcode.CLOSE, b""))
    await until(lambda: pair.leg.reading_paused)
    pair.leg.attach(pair.notes)
    assert await pair.over() == [Closed(1005)]
    assert [data for data, _ in pair.notes.messages] == [str(n).encode() for n in range(20)]


async def test_only_few_messages_are_read_before_the_owner_comes(pairs: Any) -> None:
    pair = await pairs()
    big = bytes(200_000)
    for _ in range(50):
        pair.peer.send(Frame(BINARY, big))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pair.peer.writer.drain(), 0.3)
    assert pair.leg.reading_paused
    assert len(pair.leg._waiting) < 10


@pytest.mark.parametrize(
    ("payload", "seen"),
    [
        (b"", Closed(1005)),
        (struct.pack("!H", 1000) + b"bye", Closed(1000, "bye")),
        (struct.pack("!H", 4999), Closed(4999)),
        (struct.pack("!H", 1006), Closed(1002, "invalid status code")),
        (struct.pack("!H", 1000) + b"\xff", Closed(1007, "invalid start byte at position 0")),
        (b"\x03", Closed(1002, "close frame too short")),
    ],
)
async def test_how_the_end_is_seen(pairs: Any, payload: bytes, seen: Closed) -> None:
    pair = await pairs()
    pair.leg.attach(pair.notes)
    pair.peer.send(Frame(Opcode.CLOSE, payload))
    assert await pair.over() == [seen]


async def test_an_end_without_a_close_frame_is_1006(pairs: Any) -> None:
    pair = await pairs()
    pair.leg.attach(pair.notes)
    pair.peer.writer.close()
    assert await pair.over() == [Closed(1006)]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([Frame(TEXT, bytes(2000))], 1009),
        ([Frame(TEXT, bytes(600), fin=False), Frame(CONT, bytes(600))], 1009),
        ([Frame(CONT, b"")], 1002),
        ([Frame(TEXT, b"", fin=False), Frame(TEXT, b"")], 1002),
        (
            [Frame(TEXT, b"", fin=False)] + [Frame(CONT, b"", fin=False)] * MOST_FRAGMENTS,
            1009,
        ),
    ],
)
async def test_the_peers_fault_is_told_and_seen(pairs: Any, frames: list[Frame], code: int) -> None:
    pair = await pairs(Pace(ping_interval=0, max_message_size=1024, close_timeout=0.3))
    pair.leg.attach(pair.notes)
    pair.peer.send(*frames)
    opcode, payload = await pair.peer.frame()
    assert opcode == Opcode.CLOSE
    assert int.from_bytes(payload[:2]) == code
    pair.peer.writer.close()
    assert [closed.code for closed in await pair.over()] == [code]


async def test_compressed_frames_that_nobody_agreed_on_are_a_protocol_error(pairs: Any) -> None:
    pair = await pairs()
    pair.leg.attach(pair.notes)
    pair.peer.writer.write(bytes([0xC1, 0x80, 0, 0, 0, 0]))
    assert (await pair.peer.frame())[1][:2] == struct.pack("!H", 1002)


async def test_a_close_of_ours_that_nobody_answers_ends_by_itself(pairs: Any) -> None:
    pair = await pairs()
    pair.leg.attach(pair.notes)
    pair.leg.close(1012, "x" * 200)
    opcode, payload = await pair.peer.frame()
    assert (opcode, payload) == (Opcode.CLOSE, struct.pack("!H", 1012) + b"x" * 123)
    await pair.over()


async def test_a_silent_peer_is_pinged_and_given_up(
    pairs: Any, caplog: pytest.LogCaptureFixture
) -> None:
    pair = await pairs(Pace(ping_interval=0.05, ping_timeout=0.2))
    pair.leg.station = "CP1"
    pair.leg.attach(pair.notes)
    assert (await pair.peer.frame())[0] == Opcode.PING
    frame = await pair.peer.frame()
    while frame[0] == Opcode.PING:
        frame = await pair.peer.frame()
    assert frame == (Opcode.CLOSE, struct.pack("!H", 1011) + b"keepalive ping timeout")
    assert await pair.over() == [Closed(1006)]
    (line,) = [each for each in caplog.messages if "ping_timeout" in each]
    assert line.startswith("CP1: connection to leg at 127.0.0.1 ended: no answer to pings")


async def test_any_byte_counts_as_life(pairs: Any) -> None:
    pair = await pairs(Pace(ping_interval=0.02, ping_timeout=0.3))
    pair.leg.attach(pair.notes)
    for _ in range(25):
        assert (await pair.peer.frame())[0] == Opcode.PING
        pair.peer.send(Frame(TEXT, b"alive"))
    assert pair.notes.closed == []


async def test_pings_without_a_timeout_never_give_up(pairs: Any) -> None:
    pair = await pairs(Pace(ping_interval=0.01, ping_timeout=0))
    pair.leg.attach(pair.notes)
    for _ in range(20):
        assert (await pair.peer.frame())[0] == Opcode.PING
    assert pair.notes.closed == []


async def test_a_pong_measures_the_round_trip(pairs: Any) -> None:
    pair = await pairs(Pace(ping_interval=0.02))
    pair.leg.attach(pair.notes)
    _, payload = await pair.peer.frame()
    pair.peer.send(Frame(Opcode.PONG, payload))
    async with asyncio.timeout(5):
        await pair.notes.arrived.wait()
    assert 0 < pair.leg.latency == pair.notes.latencies[0] < 5


async def test_a_peer_that_takes_nothing_is_aborted_after_the_send_timeout(pairs: Any) -> None:
    pair = await pairs()
    pair.leg.attach(pair.notes)
    while not pair.leg.writing_paused:
        pair.leg.send(bytes(100_000), False)
        await asyncio.sleep(0)
    assert await pair.over() == [Closed(1006)]
    assert pair.notes.flow[0] == "full"


async def test_a_slow_peer_gets_everything(pairs: Any) -> None:
    pair = await pairs(Pace(ping_interval=0, send_timeout=30))
    pair.leg.attach(pair.notes)
    sent = 0
    while not pair.leg.writing_paused:
        pair.leg.send(bytes(60_000), False)
        sent += 1
        await asyncio.sleep(0)
    for _ in range(sent):
        assert (await pair.peer.frame())[1] == bytes(60_000)
    assert pair.notes.flow == ["full", "drained"]


async def test_a_peer_that_pings_without_reading_costs_bounded_memory(pairs: Any) -> None:
    pair = await pairs(Pace(ping_interval=0, max_message_size=1024, send_timeout=30))
    pair.leg.attach(pair.notes)
    pings = Frame(Opcode.PING, bytes(125)).serialize(mask=True) * 2000

    async def flood() -> None:
        while True:
            pair.peer.writer.write(pings)
            await pair.peer.writer.drain()

    task = asyncio.create_task(flood())
    assert await pair.over() == [Closed(1006)]
    task.cancel()
    await asyncio.wait([task])


async def test_nothing_is_delivered_after_we_closed(pairs: Any) -> None:
    pair = await pairs()
    pair.leg.attach(pair.notes)
    pair.leg.close(1000)
    pair.peer.send(Frame(TEXT, b"late"))
    await pair.over()
    assert pair.notes.messages == []


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_noise_never_raises_and_ends_at_most_once(chunks: list[bytes]) -> None:
    class Wire:
        """A transport that only counts."""

        ended = False

        def write(self, data: bytes) -> None: ...
        def can_write_eof(self) -> bool:
            return True

        def write_eof(self) -> None: ...
        def abort(self) -> None:
            self.ended = True

        def is_closing(self) -> bool:
            return self.ended

        def pause_reading(self) -> None: ...
        def resume_reading(self) -> None: ...
        def set_write_buffer_limits(self, high: int) -> None: ...
        def get_extra_info(self, name: str) -> None: ...

    async def run() -> None:
        leg = Leg(Protocol(Side.SERVER, state=OPEN, max_size=1000), PACE)
        notes = Notes()
        leg.connection_made(Wire())  # type: ignore[arg-type]
        leg.attach(notes)
        for chunk in chunks:
            leg.data_received(chunk)
        leg.eof_received()
        leg.connection_lost(None)
        assert len(notes.closed) == 1
        assert notes.over.is_set()

    asyncio.run(run())


async def test_nothing_behind_a_fragment_too_many_is_delivered(pairs: Any) -> None:
    pair = await pairs()
    pair.leg.attach(pair.notes)
    fragments = [Frame(CONT, b"", fin=False)] * MOST_FRAGMENTS
    last = Frame(CONT, b'[2,"1","Evil",{}]')
    pair.peer.send(Frame(TEXT, b"", fin=False), *fragments, last, Frame(TEXT, b"and one more"))
    assert [closed.code for closed in await pair.over()] == [1009]
    assert pair.notes.messages == []


async def test_a_flood_in_one_read_stops_where_reading_is_paused_and_goes_on_later(
    pairs: Any,
) -> None:
    pair = await pairs()
    pair.leg.attach(pair.notes)
    pair.notes.pause_after = 10
    pair.peer.send(*[Frame(TEXT, b"%d" % number) for number in range(1000)])
    await until(lambda: len(pair.notes.messages) >= 10)
    await pair.turn()
    assert len(pair.notes.messages) == 10
    pair.leg.resume(RATE)
    await until(lambda: len(pair.notes.messages) >= 1000)
    assert pair.notes.messages == [(b"%d" % number, True) for number in range(1000)]
