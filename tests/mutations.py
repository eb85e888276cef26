"""Good bytes made bad: what damaged flash, cut connections and unkind people make of a message."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

# What readers of text, JSON and frames stumble over more often than over a random byte.
PIECES = (
    b"", b"\x00", b"\xff", b"\xef\xbb\xbf", b'"', b"\\", b"\\u0000", b"\\ud800", b"[", b"]", b"{",
    b"}", b",", b":", b"null", b"true", b"NaN", b"Infinity", b"-", b"0", b"1e999", b"-1e-999",
    b"9" * 40, b"[" * 50, b"\r\n", b"\xc3", b"\xf0\x9f\x98\x80",
)  # fmt: skip


def mutations(good: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` mutations of the good ones in turn, the same for each seed."""
    chance = random.Random(seed)
    for number in range(count):
        data = good[number % len(good)]
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            data = _changed(data, chance)
        yield data


def _changed(data: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    until = min(len(data), at + chance.choice((0, 1, 1, 2, 8, 40)))
    match chance.randrange(6):
        case 0:  # a bit turns over
            if at == len(data):
                return data
            return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
        case 1:  # cut off
            return data[:at]
        case 2:  # a piece is missing
            return data[:at] + data[until:]
        case 3:  # a piece comes twice
            return data[:until] + data[at:]
        case 4:  # something comes between
            return data[:at] + chance.choice(PIECES) + data[at:]
        case _:  # something else stands there
            return data[:at] + chance.choice(PIECES) + data[until:]
