"""Takes secrets out of texts and records before anybody else sees them. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

HIDDEN = "…"
SECRET_NAMES = re.compile(r"password|token|api_key|secret|private", re.IGNORECASE)

_VIN = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-HJ-NPR-Z0-9]{17}(?![A-Za-z0-9])"
)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*")
_PEM = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL
)
_SHORTEST = 4


def text(value: str) -> str:
    """The text with VINs shortened to their ends, tokens and private keys hidden."""
    value = _PEM.sub(HIDDEN, value)
    value = _JWT.sub(HIDDEN, value)
    return _VIN.sub(lambda match: f"{match.group()[:3]}{HIDDEN}{match.group()[-4:]}", value)


def record(value: Any, name: str = "") -> Any:
    """A JSON value with every secret in it hidden, by the names of its members and by form."""
    if isinstance(value, Mapping):
        return {key: record(each, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [record(each, name) for each in value]
    if isinstance(value, str) and value and SECRET_NAMES.search(name):
        return HIDDEN
    return text(value) if isinstance(value, str) else value


def redactor(secrets: Iterable[str | None]) -> Callable[[str], str]:
    """Hides these very words, and whatever looks like a token or key, in log lines."""
    known = sorted({s for s in secrets if s and len(s) >= _SHORTEST}, key=len, reverse=True)

    def redact(line: str) -> str:
        for secret in known:
            line = line.replace(secret, HIDDEN)
        return _JWT.sub(HIDDEN, _PEM.sub(HIDDEN, line))

    return redact
