"""Log lines on standard output: `[HH:MM:SS] LEVEL: text`, escaped, cut, redacted and rate-limited.

The same text in every app. `configure` once at the start, `get` in every module that logs.
"""

from __future__ import annotations

import logging
import re
import sys
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any

TRACE = 5
NOTICE = 25
LEVELS = {
    "trace": TRACE,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": NOTICE,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
LONGEST_LINE = 4000
LONGEST_TRACEBACK = 40

# At DEBUG these libraries print headers with credentials, addresses and whole payloads.
_QUIET = ("websockets", "urllib3", "aiohttp.access", "asyncio", "mqtt")
_OURS = "app"
_NAMES = {number: name.upper() for name, number in LEVELS.items()}
# Control characters, line and paragraph separators, direction marks, lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# ISO 3779: 17 characters without I, O and Q; letters and digits both occur.
_VIN = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-HJ-NPR-Z0-9]{17}(?![A-Za-z0-9])"
)
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

Redact = Callable[[str], str]


def escape(text: str) -> str:
    """Return `text` with everything that could forge or hide a log line written as an escape."""
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    return _SHORT_ESCAPES.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def cut(text: str, longest: int) -> str:
    """Return at most `longest` characters of `text` and, when cut, how many are missing."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text) - longest} more characters)"


def shorten_vins(text: str) -> str:
    """Replace the middle of every vehicle identification number: first 3 and last 4 stay."""
    return _VIN.sub(lambda match: f"{match.group()[:3]}…{match.group()[-4:]}", text)


class Log(logging.LoggerAdapter[logging.Logger]):
    """A logger with Home Assistant's levels and an optional component name in its lines."""

    def trace(self, text: str, *args: object, **more: Any) -> None:
        self.log(TRACE, text, *args, **more)

    def notice(self, text: str, *args: object, **more: Any) -> None:
        self.log(NOTICE, text, *args, **more)

    def fatal(self, text: str, *args: object, **more: Any) -> None:
        self.log(logging.CRITICAL, text, *args, **more)

    def line(self, level: str, text: str) -> None:
        """Write `text` as it is at the level of this name; `KeyError` for an unknown name."""
        self.log(LEVELS[level], "%s", text)

    def limited(self, level: str, cause: str, address: str, text: str, *args: object) -> None:
        """Like `log`, at most once a minute per cause and address; the next line counts the rest.

        For whatever a stranger on the network can provoke. `cause` is a fixed short word, never
        text from the network.
        """
        number = LEVELS[level]
        if not self.isEnabledFor(number):
            return
        left_out = _LIMITER.admit(cause, address, time.monotonic())
        if left_out is None:
            return
        if left_out:
            text, args = text + " (%d more like this were not logged)", (*args, left_out)
        self.log(number, text, *args)


def get(component: str | None = None) -> Log:
    """The app's logger; with `component` its lines read `[HH:MM:SS] LEVEL (component): text`."""
    return Log(logging.getLogger(f"{_OURS}.{component}" if component else _OURS), None)


class RateLimiter:
    """Admits one line per interval (seconds) for each cause and address, in a bounded table.

    While the table is full of fresh entries, further addresses share one line per cause, so that
    nobody fills the log by changing the address.
    """

    def __init__(self, interval: float = 60.0, capacity: int = 1024) -> None:
        self._interval = interval
        self._capacity = capacity
        self._last: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self._shared: dict[str, list[float]] = {}

    def admit(self, cause: str, address: str, now: float) -> int | None:
        """None: leave this line out. A number: write it, so many like it were left out before."""
        entry = self._last.get((cause, address))
        if entry is None:
            self._forget_old(now)
            if len(self._last) < self._capacity:
                self._last[cause, address] = [now, 0]
                return 0
            entry = self._shared.setdefault(cause, [float("-inf"), 0])
        if now - entry[0] < self._interval:
            entry[1] += 1
            return None
        left_out = int(entry[1])
        entry[:] = [now, 0]
        if (cause, address) in self._last:
            self._last.move_to_end((cause, address))
        return left_out

    def _forget_old(self, now: float) -> None:
        """Drop the oldest entries whose interval is over, when the table is full."""
        while len(self._last) >= self._capacity:
            oldest = next(iter(self._last.values()))
            if now - oldest[0] < self._interval:
                return
            self._last.popitem(last=False)


_LIMITER = RateLimiter()


class LineFormatter(logging.Formatter):
    """Makes one line of a record; only a traceback adds lines, each with the same beginning."""

    def __init__(self, redact: Redact | None = None, *, vins: bool = True) -> None:
        super().__init__()
        self._redact = redact
        self._vins = vins

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = _NAMES.get(record.levelno, record.levelname)
        component = _component(record.name)
        start = f"[{clock}] {level}{f' ({component})' if component else ''}: "
        texts = [record.getMessage()]
        if record.exc_info and record.exc_info[1] is not None:
            texts += _traceback(record.exc_info[1])
        return "\n".join(start + self._clean(text, record.levelno) for text in texts)

    def _clean(self, text: str, level: int) -> str:
        if self._redact is not None:
            text = self._redact(text)
        if self._vins and level > logging.DEBUG:
            text = shorten_vins(text)
        return cut(escape(text), LONGEST_LINE)


def _component(logger: str) -> str:
    """Our own loggers name the component, a library's logger the library."""
    if logger == _OURS:
        return ""
    return logger.removeprefix(f"{_OURS}.") if logger.startswith(_OURS) else logger.split(".")[0]


def _traceback(error: BaseException) -> list[str]:
    lines = "".join(traceback.format_exception(error)).rstrip().split("\n")
    if len(lines) > LONGEST_TRACEBACK:
        left_out = len(lines) - LONGEST_TRACEBACK
        lines = [f"… ({left_out} lines left out)", *lines[-LONGEST_TRACEBACK:]]
    return [f"  {line}" for line in lines]


def configure(
    level: str = "info",
    *,
    redact: Redact | None = None,
    vins: bool = True,
    stream: IO[str] | None = None,
) -> None:
    """Send all log records of `level` and above to `stream` (standard output).

    `redact` gets every text before it is written and returns it without secrets; `vins` shortens
    vehicle identification numbers above debug. `ValueError` for an unknown level name.
    """
    if level not in LEVELS:
        raise ValueError(f"log level {level!r} is none of {', '.join(LEVELS)}")
    if stream is None:
        stream = sys.stdout
        # A text that the terminal's encoding lacks must not cost the line.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace", line_buffering=True)
    for number, name in _NAMES.items():
        logging.addLevelName(number, name)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(redact, vins=vins))
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, LineFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(LEVELS[level])
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, LEVELS[level]))
    logging.captureWarnings(True)
