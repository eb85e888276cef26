"""The gateway's access token (a JWT): what it says, when to renew it, where it is kept."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ...json_values import UnreadableAnswerError, load_object, text, whole

RENEW_WHEN_LEFT_S = 30 * 86400.0
TRY_EVERY_S = 6 * 3600.0
_MAX_EPOCH = 2**40
_MAX_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class Token:
    """A token and what its payload tells; `str` and `repr` never show it."""

    raw: str
    expires: int | None
    """Epoch seconds."""
    user: str | None
    """`owner` (lives a year) or `installer` (12 h)."""

    def __repr__(self) -> str:
        return f"Token(expires={self.expires}, user={self.user})"


def parse_token(raw: str) -> Token:
    """Read a token's payload; the signature is the gateway's business.

    Raises UnreadableAnswerError for what is no JWT.
    """
    stripped = raw.strip()
    parts = stripped.split(".")
    if len(parts) != 3 or len(stripped) > _MAX_TOKEN or not stripped.isascii():
        raise UnreadableAnswerError("this is no gateway token (three parts with dots)")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except (binascii.Error, ValueError) as error:
        raise UnreadableAnswerError("this is no gateway token") from error
    claims = load_object(payload)
    return Token(stripped, whole(claims.get("exp"), 0, _MAX_EPOCH), text(claims.get("enphaseUser")))


def renewal_due(token: Token | None, wall: float, last_try: float | None, now: float) -> bool:
    """True where a new token should be asked for.

    `wall` is epoch seconds, `last_try` and `now` are monotonic. A clock that stands in the past
    only delays the renewal; one try each six hours.
    """
    if last_try is not None and now - last_try < TRY_EVERY_S:
        return False
    if token is None:
        return True
    return token.expires is not None and token.expires - wall < RENEW_WHEN_LEFT_S


class TokenFile:
    """The token in the data folder, mode 0600.

    A token typed into the options is taken before the stored one whenever it has changed since
    the file was written.
    """

    def __init__(self, path: Path, pasted: str = "") -> None:
        self._path = path
        self._pasted = pasted.strip()

    def load(self) -> Token | None:
        """The token to use.

        Raises UnreadableAnswerError where the pasted one is no token. A damaged file counts as
        none and is overwritten by the next renewal.
        """
        stored = self._stored()
        if stored is not None:
            return stored
        return parse_token(self._pasted) if self._pasted else None

    def _stored(self) -> Token | None:
        try:
            record = load_object(self._path.read_bytes())
            if record.get("pasted") != self._pasted_mark():
                return None
            return parse_token(text(record.get("token")) or "")
        except (OSError, UnreadableAnswerError):
            return None

    def save(self, token: Token) -> None:
        """Write the token.

        Raises OSError where the folder cannot be written.
        """
        record = json.dumps({"token": token.raw, "pasted": self._pasted_mark()})
        temporary = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(record)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        finally:
            temporary.unlink(missing_ok=True)

    def _pasted_mark(self) -> str:
        return hashlib.sha256(self._pasted.encode()).hexdigest()
