"""Length framing of messages over Bluetooth: two bytes, big-endian, in front of each. No I/O.

Source: teslamotors/vehicle-command `pkg/connector/ble/ble.go`.
"""

from __future__ import annotations

MAX_MESSAGE_BYTES = 1024
SILENCE_ENDS_FRAME_S = 1.0
"""A frame that stays unfinished for so long is dropped."""
ATT_HEADER_BYTES = 3


def framed(message: bytes) -> bytes:
    """The message with its length in front. Raises ValueError beyond 1024 bytes."""
    if len(message) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message of {len(message)} bytes does not fit")
    return len(message).to_bytes(2, "big") + message


def chunks(frame: bytes, mtu: int) -> list[bytes]:
    """The frame in pieces of `mtu` − 3 bytes, which is what one notification carries."""
    size = mtu - ATT_HEADER_BYTES
    return [frame[start : start + size] for start in range(0, len(frame), size)]


class Reassembler:
    """Puts chunks together again."""

    def __init__(self) -> None:
        self._pending = b""
        self._last = 0.0

    def feed(self, chunk: bytes, now: float) -> list[bytes]:
        """The messages that are whole now; `now` in monotonic seconds.

        A length beyond 1024 bytes throws away what has gathered.
        """
        if now - self._last > SILENCE_ENDS_FRAME_S:
            self._pending = b""
        self._last = now
        self._pending += chunk
        found = []
        while len(self._pending) >= 2:
            length = int.from_bytes(self._pending[:2], "big")
            if length > MAX_MESSAGE_BYTES:
                self._pending = b""
                break
            if len(self._pending) < length + 2:
                break
            found.append(self._pending[2 : length + 2])
            self._pending = self._pending[length + 2 :]
        return found
