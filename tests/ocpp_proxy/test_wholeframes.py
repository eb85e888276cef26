"""Whole frames read and written beside the library's parser, and its borders kept count of."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, SERVER
from websockets.protocol import Protocol as WebSocketProtocol

from ocpp_proxy import wholeframes

SIZES = [0, 1, 125, 126, 127, 1289, 65535, 65536, 70000]
MOST = 1 << 17


def library_frame(data: bytes, *, text: bool = True, masked: bool, fin: bool = True) -> bytes:
    frame = Frame(Opcode.TEXT if text else Opcode.BINARY, data, fin)
    return frame.serialize(mask=masked)


def library_reads(written: bytes, *, masked: bool) -> list[Frame]:
    side = SERVER if masked else CLIENT
    protocol = WebSocketProtocol(side, state=OPEN, max_size=MOST)
    protocol.receive_data(written)
    return [event for event in protocol.events_received() if isinstance(event, Frame)]


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_what_the_library_writes_is_read_and_what_we_write_the_library_reads(
    size: int, text: bool, masked: bool
) -> None:
    data = random.Random(size).randbytes(size)
    written = library_frame(data, text=text, masked=masked)
    assert wholeframes.read(written, 0, masked, MOST) == (data, text, len(written))
    (frame,) = library_reads(wholeframes.write(data, text, masked), masked=masked)
    assert (bytes(frame.data), frame.opcode is Opcode.TEXT, frame.fin) == (data, text, True)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("size", [0, 5, 126, 65536])
def test_every_incomplete_frame_is_left_to_the_library(size: int, masked: bool) -> None:
    written = library_frame(bytes(size), masked=masked)
    ends = range(len(written)) if size < 200 else [*range(20), len(written) - 1]
    for end in ends:
        assert wholeframes.read(written[:end], 0, masked, MOST) is None


def test_what_the_library_must_judge_is_left_to_it() -> None:
    good = library_frame(b"[3]", masked=True)
    for first in set(range(256)) - {0x81, 0x82}:
        odd = bytes([first]) + good[1:]
        assert wholeframes.read(odd, 0, True, MOST) is None, first
    assert wholeframes.read(good, 0, False, MOST) is None
    unmasked = library_frame(b"[3]", masked=False)
    assert wholeframes.read(unmasked, 0, True, MOST) is None
    assert wholeframes.read(good, 0, True, 2) is None


def test_two_masked_frames_of_the_same_message_differ() -> None:
    frames = {wholeframes.write(b"[3]", True, True) for _ in range(20)}
    assert len(frames) == 20


@given(
    st.lists(st.tuples(st.integers(0, 300), st.booleans(), st.booleans()), max_size=6),
    st.randoms(use_true_random=False),
)
def test_borders_are_clean_exactly_between_frames(
    frames: list[tuple[int, bool, bool]], chance: random.Random
) -> None:
    written, ends = b"", {0}
    for size, masked, fin in frames:
        written += library_frame(bytes(size), masked=masked, fin=fin)
        ends.add(len(written))
    borders, at = wholeframes.Borders(), 0
    assert borders.clean
    while at < len(written):
        step = chance.randint(1, 40)
        borders.passed(written[at : at + step])
        at = min(at + step, len(written))
        assert borders.clean == (at in ends)
