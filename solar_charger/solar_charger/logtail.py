"""Keeps the last log lines for the support bundle, written and redacted as they were."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from .logs import LineFormatter

KEPT = 1000


class LogTail(logging.Handler):
    """A handler; `lines` may be read from any thread."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self.setFormatter(LineFormatter(redact))
        self._lines: deque[str] = deque(maxlen=KEPT)

    def install(self) -> None:
        """Listen to everything that is logged, once."""
        root = logging.getLogger()
        for old in root.handlers[:]:
            if isinstance(old, LogTail):
                root.removeHandler(old)
        root.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self._lines.append(self.format(record))

    def lines(self) -> list[str]:
        """The last lines, oldest first."""
        return list(self._lines)
