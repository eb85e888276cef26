"""Which transaction id of a secondary belongs to which of the primary, for one station."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from ..frames import Call, decode, id_token, json_bytes, tail

MOST_KEPT: Final = 64
MOST_IDS: Final = 16
LARGEST: Final = 1 << 20


@dataclass(slots=True)
class _Start:
    """A StartTransaction under all ids the charger sent it with, and what both sides said."""

    ids: set[str] = field(default_factory=set)
    primary: int | None = None
    secondary: int | None = None
    given_up: bool = False


class Transactions:
    """Pairs both answers to a StartTransaction by the CALL's id; outlives connections.

    A charger that gets no answer repeats the same request under another id: that is still one
    transaction.
    """

    def __init__(self) -> None:
        self._starts: OrderedDict[bytes, _Start] = OrderedDict()
        self._stopped = b""

    @property
    def waits_for_primary(self) -> bool:
        """Whether an answer of the primary may be of interest."""
        return any(start.primary is None for start in self._starts.values())

    def started(self, call_id: str, call: bytes) -> bool:
        """A StartTransaction of the charger; whether it is a new one."""
        request = tail(call)
        start = self._starts.get(request)
        new = start is None or start.given_up
        if start is None:
            start = self._starts[request] = _Start()
            if len(self._starts) > MOST_KEPT:
                self._starts.popitem(last=False)
        start.given_up = False
        if len(start.ids) < MOST_IDS:
            start.ids.add(call_id)
        return new

    def _start(self, call_id: str) -> _Start | None:
        """The newest transaction that was asked for with this id."""
        return next((s for s in reversed(self._starts.values()) if call_id in s.ids), None)

    def primary_answered(self, call_id: str, transaction: int) -> None:
        """The primary gave the charger this id."""
        if (start := self._start(call_id)) is not None:
            start.primary = transaction

    def secondary_answered(self, call_id: str, transaction: int) -> None:
        """The secondary gave its own."""
        if (start := self._start(call_id)) is not None:
            start.secondary = transaction

    def given_up(self, call_id: str) -> None:
        """The secondary did not answer; a repeat of the charger is told it again."""
        if (start := self._start(call_id)) is not None:
            start.given_up = start.secondary is None

    def stop_is_repeated(self, call: bytes) -> bool:
        """Whether this StopTransaction asks the same as the one before."""
        repeated, self._stopped = tail(call) == self._stopped, tail(call)
        return repeated

    def translated(self, action: str, call: bytes) -> bytes | None:
        """MeterValues or StopTransaction with the secondary's id; None: it must not be sent.

        Without a pair MeterValues go without their id, StopTransaction does not go at all.
        """
        message = decode(call, max_bytes=LARGEST)
        payload = message.payload if isinstance(message, Call) else {}
        if "transactionId" not in payload:
            # The id may stand where it could not be read.
            return None if action == "StopTransaction" or b"transactionId" in call else call
        own = self._of_secondary(payload["transactionId"])
        if own is not None:
            payload["transactionId"] = own
        elif action == "StopTransaction":
            return None
        else:
            del payload["transactionId"]
        return b"[2,%b,%b,%b]" % (id_token(call), json_bytes(action), json_bytes(payload))

    def _of_secondary(self, primary: object) -> int | None:
        if isinstance(primary, bool) or not isinstance(primary, int):
            return None
        for start in reversed(self._starts.values()):
            if start.primary == primary:
                return start.secondary
        return None


def transaction_in(payload: dict[str, Any]) -> int | None:
    """The transaction id in the answer to a StartTransaction; None if there is none."""
    found = payload.get("transactionId")
    return found if isinstance(found, int) and not isinstance(found, bool) else None
