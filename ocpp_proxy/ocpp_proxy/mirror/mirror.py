"""One station at one secondary, without I/O: what it is sent, and what its own CALLs get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any, Final

from ..frames import CALL, CALLRESULT, Head, payload_of, scan
from ..relay.calls import own_id
from ..relay.memory import StationMemory
from .answers import answer, boot_of, repeats_of
from .queue import Queue, Waiting
from .transactions import Transactions, transaction_in

ANSWER_SECONDS: Final = 30.0
LEAST_BOOT_INTERVAL: Final = 10.0
MOST_BOOT_INTERVAL: Final = 300.0
_TRANSLATED: Final = ("MeterValues", "StopTransaction")

Sends = list[tuple[bytes, bool]]


class Mirror:
    """Copies of a charger's CALLs for a secondary, one at a time.

    Times are monotonic seconds. The calls that return something return the messages to send, as
    bytes and whether text. `deadline` is when `due` wants to be called, None for never. The queue
    and the transactions outlive the connections of both sides.
    """

    def __init__(
        self,
        memory: Callable[[], StationMemory | None],
        wall_clock: Callable[[], datetime],
        random: Random,
        note: Callable[[str], None],
    ) -> None:
        self.queue = Queue()
        self.deadline: float | None = None
        self._memory = memory
        self._wall_clock = wall_clock
        self._random = random
        self._note = note
        self._transactions = Transactions()
        self._linked = False
        self._open: Waiting | None = None
        self._open_until = 0.0
        self._late: str = ""
        # After a boot that was not accepted nothing else is sent until one is (OCPP 1.6 §4.2).
        self._boot_again_at: float | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is left to be told."""
        return self._open is None and not self.queue

    # What the charger and the primary say.

    def copied(self, data: bytes, text: bool, now: float) -> Sends:
        """A CALL of the charger, as the rules left it."""
        head = scan(data)
        if head is None or head.kind != CALL:
            return []
        repeated = False
        if head.action == "StartTransaction":
            repeated = not self._transactions.started(head.id, data)
        elif head.action == "StopTransaction":
            repeated = self._transactions.stop_is_repeated(data)
        if not repeated:
            self.queue.add(Waiting(head.id, head.action, data, text))
        return self.due(now)

    def primary_said(self, data: bytes) -> None:
        """A message of the primary on its way to the charger."""
        if self._transactions.waits_for_primary:
            head = scan(data)
            if head is not None and head.kind == CALLRESULT:
                transaction = transaction_in(payload_of(data))
                if transaction is not None:
                    self._transactions.primary_answered(head.id, transaction)

    # What the secondary's connection does.

    def linked(self, now: float) -> Sends:
        """The secondary is there: the charger's boot comes first, its own or the cached one."""
        self._linked = True
        self._boot_again_at = None
        memory = self._memory()
        boot = self.queue.take("BootNotification")
        if boot is None and memory is not None:
            boot = boot_of(memory, own_id(self._random))
        if boot is not None:
            self.queue.first(boot)
        return self.due(now)

    def unlinked(self) -> None:
        """The secondary is gone; what it did not answer is sent again."""
        self._linked = False
        self.deadline = None
        if self._open is not None and not self._open.own and self._open.action != "Heartbeat":
            self.queue.first(self._open)
        self._open, self._late = None, ""
        self.queue.forget_own()

    def received(self, data: bytes, now: float) -> Sends:
        """A message of the secondary."""
        head = scan(data)
        if head is None:
            return []
        if head.kind == CALL:
            return [(self._answer(head, data), True), *self.due(now)]
        payload = payload_of(data) if head.kind == CALLRESULT else {}
        if self._open is not None and head.id == self._open.id:
            call, self._open = self._open, None
            self._answered(call, head, payload, now)
        elif head.id == self._late:
            self._late = ""
            self._started(head.id, payload)
        return self.due(now)

    def _answer(self, head: Head, data: bytes) -> bytes:
        repeats: list[Waiting] = []
        memory = self._memory()
        if head.action == "TriggerMessage" and memory is not None:
            repeats = repeats_of(
                payload_of(data), memory, lambda: own_id(self._random), self._wall_clock()
            )
            # Somebody who triggers without end gets one of each at a time.
            if repeats and not self.queue.has_own(repeats[0].action):
                for each in repeats:
                    self.queue.add(each)
        elif head.action not in ("GetConfiguration", "ChangeConfiguration"):
            self._note(f"refused its {head.action[:50]}")
        return answer(data, head, repeats)

    def _answered(self, call: Waiting, head: Head, payload: dict[str, Any], now: float) -> None:
        if head.kind != CALLRESULT:
            self._note(f"answered {call.action} with an error")
        elif call.action == "StartTransaction":
            self._started(call.id, payload)
        elif call.action == "BootNotification":
            self._booted(payload, now)

    def _started(self, call_id: str, payload: dict[str, Any]) -> None:
        transaction = transaction_in(payload)
        if transaction is not None:
            self._transactions.secondary_answered(call_id, transaction)

    def _booted(self, payload: dict[str, Any], now: float) -> None:
        status, interval = payload.get("status"), payload.get("interval")
        if status == "Accepted":
            self._boot_again_at = None
            return
        seconds = float(interval) if isinstance(interval, int) and interval < 1e6 else 60.0
        seconds = min(max(seconds, LEAST_BOOT_INTERVAL), MOST_BOOT_INTERVAL)
        self._boot_again_at = now + seconds
        self._note(f"answered the boot with {str(status)[:20]}, next try in {seconds:.0f} s")

    # Whose turn it is.

    def due(self, now: float) -> Sends:
        """Send what has its turn now."""
        sends: Sends = []
        if self._open is not None and now >= self._open_until:
            self._lapsed(self._open)
        while self._linked and self._open is None and (call := self._next(now)) is not None:
            data: bytes | None = call.data
            if call.action in _TRANSLATED:
                data = self._transactions.translated(call.action, call.data)
            if data is None:
                self._note(f"{call.action} left out: its transaction was never told")
                continue
            self._open, self._open_until = call, now + ANSWER_SECONDS
            sends.append((data, call.text))
        self.deadline = self._open_until if self._open is not None else None
        if self._linked and self._open is None:
            self.deadline = self._boot_again_at
        return sends

    def _lapsed(self, call: Waiting) -> None:
        self._open = None
        if call.action == "StartTransaction":
            self._late = call.id
            self._transactions.given_up(call.id)
        self._note(f"did not answer {call.action} within {ANSWER_SECONDS:.0f} s")

    def _next(self, now: float) -> Waiting | None:
        if self._boot_again_at is None:
            return self.queue.pop()
        boot = self.queue.take("BootNotification")
        memory = self._memory()
        if boot is None and now >= self._boot_again_at and memory is not None:
            boot = boot_of(memory, own_id(self._random))
        if boot is not None:
            # Until its answer says otherwise.
            self._boot_again_at = now + MOST_BOOT_INTERVAL
        return boot
