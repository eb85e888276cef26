"""One instance per data folder is in charge; a second one only shows."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

FILE = "solar_charger.lock"


class InstanceLock:
    """Held as long as the process lives; the kernel frees it, however the process ends."""

    def __init__(self, data: Path) -> None:
        self._path = data / FILE
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """True where we are in charge now. Raises OSError where the folder cannot be used."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let another one take over."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
