"""Notices that upstream gives a wallbox a new AuthorizationKey, which makes our copy of it wrong.

OCPP 1.6 security whitepaper edition 2, A01: ChangeConfiguration of AuthorizationKey, answered
Accepted, takes effect at the next connection.
"""

from __future__ import annotations

from . import frames
from .relay.events import Leg as Side

_KEY = b"AuthorizationKey"


class KeyChange:
    """Follows one session's messages; `pending` are keys whose answer is still to come, by id."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending: dict[str, str] = {}

    def follow(self, source: Side, data: bytes) -> str | None:
        """The new key, when this message is the charger's acceptance of it."""
        if source is Side.UPSTREAM:
            if _KEY in data:
                self._asked(data)
            return None
        return self._answered(data) if self._pending else None

    def _asked(self, data: bytes) -> None:
        call = frames.decode(data)
        if not isinstance(call, frames.Call) or call.action != "ChangeConfiguration":
            return
        key, value = call.payload.get("key"), call.payload.get("value")
        # One CALL at a time is the rule; who breaks it gets no room here.
        if key == "AuthorizationKey" and isinstance(value, str) and len(self._pending) < 4:
            self._pending[call.id] = value

    def _answered(self, data: bytes) -> str | None:
        head = frames.scan(data)
        if head is None or head.kind == frames.CALL:
            return None
        value = self._pending.pop(head.id, None)
        accepted = frames.payload_of(data).get("status") == "Accepted"
        return value if accepted else None
