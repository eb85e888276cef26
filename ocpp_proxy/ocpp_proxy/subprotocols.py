"""Chooses the WebSocket subprotocol for both legs (OCPP-J 1.6 §3.1.2, RFC 6455 §4.2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Spellings seen in the field, lower case; the charger is answered in its own spelling.
_ALIASES = {
    "ocpp1.6j": "ocpp1.6",
    "ocpp1.6-j": "ocpp1.6",
    "ocpp16": "ocpp1.6",
    "ocpp16j": "ocpp1.6",
}


class UnsupportedError(ValueError):
    """No offer of the charger can be accepted; the text lists what could be."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`reply` is echoed to the charger (None: no header), `upstream` is offered upstream."""

    reply: str | None
    upstream: str


def tokens(values: Iterable[str]) -> list[str]:
    """All tokens of a repeated header: split at commas, trimmed, empty ones left out."""
    return [token for value in values for part in value.split(",") if (token := part.strip(" \t"))]


def canonical(token: str) -> str:
    """The registered name of a token in any of its known spellings."""
    token = token.strip().lower()
    return _ALIASES.get(token, token)


def choose(offered: Sequence[str], supported: Sequence[str], *, accept_missing: bool) -> Choice:
    """Take the first of `supported` (canonical names, at least one) that is among the offers.

    Without any offer the first of `supported` goes upstream and nothing is echoed, if
    `accept_missing`. Raises UnsupportedError otherwise.
    """
    if not offered:
        if accept_missing:
            return Choice(None, supported[0])
        raise UnsupportedError(f"no subprotocol offered, supported: {', '.join(supported)}")
    by_name = {canonical(token): token for token in reversed(offered)}
    for name in supported:
        if name in by_name:
            return Choice(by_name[name], name)
    raise UnsupportedError(f"no supported subprotocol offered, supported: {', '.join(supported)}")
