"""Whole data frames read and written in one step, beside the library's parser (RFC 6455 §5.2).

Nearly all traffic is messages that arrive in one piece and one frame. Those need nothing of the
generic parser, which takes several times as long; everything else is left to it, so that only one
place judges what a peer does wrong.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import NamedTuple

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

_TEXT, _BINARY = 0x81, 0x82  # the last fragment, no reserved bit
_MASKED = 0x80


class Whole(NamedTuple):
    """A message, and where in the received bytes the next frame begins."""

    data: bytes
    text: bool
    end: int


def read(received: bytes, start: int, masked: bool, most: int) -> Whole | None:
    """The message in the frame at `start`; None if it is not simply there as a whole.

    Also None for what the generic parser has to refuse: reserved bits, a mask where none may be or
    none where one must be, more than `most` bytes.
    """
    length = len(received)
    if length - start < 2:
        return None
    opcode = received[start]
    if opcode != _TEXT and opcode != _BINARY:
        return None
    size = received[start + 1]
    if masked:
        size -= _MASKED
        if size < 0:
            return None
    body = start + 2
    if size > 125:
        width = 2 if size == 126 else 8
        if size > 127 or length < body + width:
            return None
        size = int.from_bytes(received[body : body + width], "big")
        body += width
    if masked:
        body += 4
    end = body + size
    if end > length or size > most:
        return None
    data = received[body:end]
    if masked:
        data = apply_mask(data, received[body - 4 : body])
    return Whole(data, opcode == _TEXT, end)


def write(data: bytes, text: bool, masked: bool) -> bytes:
    """The frame of a message; a masked one with an unpredictable key (RFC 6455 §5.3)."""
    opcode, size, bit = _TEXT if text else _BINARY, len(data), _MASKED if masked else 0
    if size < 126:
        head = bytes((opcode, bit | size))
    elif size < 65536:
        head = bytes((opcode, bit | 126, size >> 8, size & 0xFF))
    else:
        head = bytes((opcode, bit | 127)) + size.to_bytes(8, "big")
    if not masked:
        return head + data
    key = next(_KEYS)
    return head + key + apply_mask(data, key)


def _keys() -> Iterator[bytes]:
    """Masking keys; the operating system is asked for many at once, because asking takes long."""
    while True:
        drawn = secrets.token_bytes(4096)
        for at in range(0, len(drawn), 4):
            yield drawn[at : at + 4]


_KEYS = _keys()


class Borders:
    """Knows whether the generic parser stands at the border of a frame, by the lengths it was fed.

    `clean`: it waits for the first byte of a frame. `missing`: bytes of a begun frame still to
    come, 0 while its length is not known.
    """

    __slots__ = ("_head", "clean", "missing")

    def __init__(self) -> None:
        self.clean = True
        self.missing = 0
        self._head = b""

    def passed(self, data: bytes) -> None:
        """These bytes went to the generic parser."""
        if self.missing >= len(data):
            self.missing -= len(data)
            self.clean = not self.missing and not self._head
            return
        data = self._head + data[self.missing :]
        at = 0
        while at < len(data):
            size = _frame_size(data, at)
            if size is None:
                break
            at += size
        self.missing = max(0, at - len(data))
        self._head = data[at:]
        self.clean = at == len(data)


def _frame_size(data: bytes, at: int) -> int | None:
    """Header and payload of the frame at `at`, in bytes; None while its header is incomplete."""
    if len(data) - at < 2:
        return None
    size, masked = data[at + 1] & 0x7F, data[at + 1] & _MASKED
    head = 6 if masked else 2
    if size > 125:
        width = 2 if size == 126 else 8
        if len(data) - at < 2 + width:
            return None
        size = int.from_bytes(data[at + 2 : at + 2 + width], "big")
        head += width
    return head + size
