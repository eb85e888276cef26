"""How far a returned upstream is with setting up the charger, as far as its messages tell.

evcc answers StartTransaction with transaction id 0 until its set-up is done; the set-up starts
with the boot answer, its last step is ChangeConfiguration of WebSocketPingInterval, and midway it
waits for MeterValues it triggered (seen on evcc 0.313).
"""

from __future__ import annotations

from typing import Final

from ..frames import payload_of

FIRST_CALL_SECONDS: Final = 1.5
SET_UP_SECONDS: Final = 15.0
METER_VALUES_AFTER: Final = 1.0
# Sent together with the answer to the last step, a StartTransaction would be handled before
# upstream has drawn its conclusion from that answer.
DONE_AFTER: Final = 0.3


class SetUp:
    """Whether a StartTransaction has to wait, and whether meter values have to be helped along."""

    def __init__(self) -> None:
        self._answered_at: float | None = None
        self._pending = False
        self._first_call_at: float | None = None
        self._last_step: str | None = None
        self._done_at: float | None = None
        self.help_at: float | None = None
        self.help_connector: int | None = None

    def boot_answered(self, pending: bool, now: float) -> None:
        """The station's BootNotification was answered; a repeated Pending changes nothing."""
        if self._answered_at is None or pending != self._pending:
            self._answered_at = now
            self._pending = pending

    def blocked_until(self) -> float | None:
        """Up to when a StartTransaction waits if nothing else happens; None if it need not."""
        if self._done_at is not None:
            return self._done_at
        if self._answered_at is None:
            return None
        first_call_until = self._answered_at + FIRST_CALL_SECONDS
        sets_up = self._first_call_at is not None and self._first_call_at < first_call_until
        if self._pending or sets_up:
            return self._answered_at + SET_UP_SECONDS
        return first_call_until

    def blocks(self, now: float) -> bool:
        """Whether a StartTransaction has to wait now."""
        until = self.blocked_until()
        return until is not None and now < until

    def upstream_called(self, call_id: str, action: str, data: bytes, now: float) -> None:
        """Upstream sent the charger a CALL."""
        if self._first_call_at is None:
            self._first_call_at = now
        if action == "ChangeConfiguration":
            if payload_of(data).get("key") == "WebSocketPingInterval":
                self._last_step = call_id
        elif action == "TriggerMessage":
            payload = payload_of(data)
            if payload.get("requestedMessage") == "MeterValues":
                connector = payload.get("connectorId")
                self.help_connector = connector if isinstance(connector, int) else None
                self.help_at = now + METER_VALUES_AFTER

    def charger_answered(self, call_id: str, now: float) -> None:
        """The charger answered a CALL of upstream."""
        if call_id == self._last_step:
            self._done_at = now + DONE_AFTER


class BootRepeats:
    """When to send the cached BootNotification again while upstream answers Pending.

    Every 2 s, after a minute every 10 s, for 5 min; evcc begins 1 s after it knows the charger,
    where a wallbox deaf to triggers would cost 185 s (seen on evcc 0.313).
    """

    QUICK: Final = 2.0
    QUICK_SECONDS: Final = 60.0
    SLOW: Final = 10.0
    SECONDS: Final = 300.0

    def __init__(self, now: float) -> None:
        self._began = now
        self.next_at: float | None = now + self.QUICK

    def sent(self, now: float) -> None:
        """A repeat was handed over; says when the next is due."""
        pace = self.QUICK if now - self._began < self.QUICK_SECONDS else self.SLOW
        self.next_at = now + pace if now + pace <= self._began + self.SECONDS else None
