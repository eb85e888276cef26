"""A file that begins anew when it is full and keeps some older ones; nothing half written stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


class Rotation:
    """`NAME.EXT` and before it `NAME.1.EXT` (younger) to `NAME.<files - 1>.EXT` in one folder.

    Every method but the constructor blocks and may raise OSError.
    """

    def __init__(self, path: Path, *, files: int = 5, most_bytes: int = 10 << 20) -> None:
        self.path = path
        self._files = files
        self._most_bytes = most_bytes
        self._handle: int | None = None
        self._size = 0

    def append(self, lines: bytes) -> None:
        """Write whole lines; after an error the file ends where it ended before."""
        if self._handle is not None and self._size + len(lines) > self._most_bytes and self._size:
            self.close()
            self._rotate()
        handle = self._open()
        try:
            written = 0
            while written < len(lines):
                written += os.write(handle, lines[written:])
        except OSError:
            with suppress(OSError):
                os.ftruncate(handle, self._size)
            self.close()
            raise
        self._size += written

    def close(self) -> None:
        """Let go of the file; the next `append` opens it again."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def existing(self) -> Iterator[Path]:
        """The files that are there, the oldest first."""
        for number in range(self._files - 1, -1, -1):
            if (path := self._numbered(number)).exists():
                yield path

    def _open(self) -> int:
        if self._handle is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._handle = os.open(self.path, flags, 0o600)
            self._size = os.fstat(self._handle).st_size
        return self._handle

    def _rotate(self) -> None:
        for number in range(self._files - 2, -1, -1):
            path = self._numbered(number)
            if path.exists():
                path.replace(self._numbered(number + 1))

    def _numbered(self, number: int) -> Path:
        return self.path.with_suffix(f".{number}{self.path.suffix}") if number else self.path
