"""What upstream is told on the charger's behalf: its boot, its statuses, its meter values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Final

from ..frames import CallResult, decode
from .calls import OpenCall, Purpose, own_id
from .events import Note
from .line import Line
from .memory import StationMemory
from .settings import RelaySettings
from .setup import BootRepeats, SetUp

BOOT_WITHIN: Final = 3.0


class Replay:
    """Brings one upstream connection up to date, by CALLs put into its line."""

    def __init__(
        self,
        memory: StationMemory,
        settings: RelaySettings,
        wall_clock: Callable[[], datetime],
        random: Random,
    ) -> None:
        self._memory = memory
        self._settings = settings
        self._wall_clock = wall_clock
        self._random = random
        self._boot_at: float | None = None
        self._repeats: BootRepeats | None = None
        self._set_up: SetUp | None = None

    @property
    def watching(self) -> bool:
        """Whether CALLs of upstream and their answers are of interest."""
        return self._set_up is not None

    def session_began(self, now: float) -> None:
        """A charger (re)connected: if it does not boot within 3 s, its cached boot is sent.

        OCPP-J 1.6 §5.4 has chargers not boot on a mere reconnect, but evcc takes one as offline
        until it boots (seen on evcc 0.313).
        """
        if self._settings.replay_boot and self._memory.boot is not None:
            self._boot_at = now + BOOT_WITHIN

    def charger_booted(self) -> None:
        """The charger sent a BootNotification of its own."""
        self._boot_at = None

    def upstream_returned(self, line: Line, now: float) -> None:
        """Queue a boot, waiting or cached, and the statuses ahead of what waits in the line."""
        self._set_up = SetUp()
        boot = line.waiting.take_unanswered("BootNotification")
        if boot is not None:
            line.inject(boot, now)
        elif self._settings.replay_boot:
            self._inject_boot(line, now)
        if self._settings.replay_status:
            for connector in self._memory.status_connectors():
                call_id = own_id(self._random)
                data = self._memory.status_call(connector, call_id, self._wall_clock())
                line.inject(_own(call_id, "StatusNotification", data, Purpose.STATUS), now)
        line.sequential = True

    def upstream_lost(self) -> None:
        """What was due on the old connection is not."""
        self._boot_at = None
        self._repeats = None
        self._set_up = None

    def holds_back(self, action: str, now: float) -> bool:
        """Whether a CALL has to wait because upstream is still setting up the charger."""
        return (
            action == "StartTransaction" and self._set_up is not None and self._set_up.blocks(now)
        )

    def may_send(self, call: OpenCall, now: float) -> bool:
        """Whether a queued CALL can go out now."""
        return not self.holds_back(call.action, now)

    def boot_answered(self, call: OpenCall, answer: bytes, line: Line, now: float) -> None:
        """A BootNotification, the charger's or ours, was answered."""
        message = decode(answer)
        status = message.payload.get("status") if isinstance(message, CallResult) else None
        pending = status == "Pending"
        if self._set_up is not None:
            self._set_up.boot_answered(pending, now)
        if not pending:
            self._repeats = None
        elif call.own is not None or line.sequential:
            self._repeat_boot(now)

    def _repeat_boot(self, now: float) -> None:
        if not self._settings.replay_boot:
            return
        if self._repeats is None:
            self._repeats = BootRepeats(now)
        elif self._repeats.next_at is None:
            self._repeats.sent(now)

    def boot_lapsed(self, now: float) -> None:
        """Our BootNotification had no answer in time; repeats go on if there were any."""
        if self._repeats is not None:
            self._repeat_boot(now)

    def upstream_called(self, call_id: str, action: str, data: bytes, now: float) -> None:
        """Upstream sent the charger a CALL."""
        if self._set_up is not None:
            self._set_up.upstream_called(call_id, action, data, now)

    def charger_answered(self, call_id: str, now: float) -> None:
        """The charger answered a CALL of upstream."""
        if self._set_up is not None:
            self._set_up.charger_answered(call_id, now)

    def due(self, line: Line, now: float) -> list[Note]:
        """Queue what its time has come for; says what the owner may want to know."""
        notes = []
        if self._boot_at is not None and now >= self._boot_at:
            self._boot_at = None
            self._inject_boot(line, now)
            notes.append(Note("info", "charger did not boot, its last BootNotification is sent"))
        if self._repeats is not None and _reached(self._repeats.next_at, now):
            self._repeats.next_at = None
            self._inject_boot(line, now)
        if self._set_up is not None and _reached(self._set_up.help_at, now):
            self._set_up.help_at = None
            self._help_meter_values(line, self._set_up.help_connector, now)
        return notes

    def _help_meter_values(self, line: Line, connector: int | None, now: float) -> None:
        """Send the cached MeterValues in place of a charger whose one open CALL is kept waiting."""
        if not line.waiting:
            return
        for known in self._memory.meter_connectors():
            if connector is None or known == connector:
                call_id = own_id(self._random)
                data = self._memory.meter_values_call(known, call_id)
                line.inject(_own(call_id, "MeterValues", data, Purpose.METER_VALUES), now)

    def _inject_boot(self, line: Line, now: float) -> None:
        call_id = own_id(self._random)
        data = self._memory.boot_call(call_id)
        if data is not None:
            line.inject(_own(call_id, "BootNotification", data, Purpose.BOOT), now)

    def deadline(self, line: Line) -> float | None:
        """When `due` or the line has something to do; None for never."""
        times = [self._boot_at]
        if self._repeats is not None:
            times.append(self._repeats.next_at)
        if self._set_up is not None:
            times.append(self._set_up.help_at)
            head = line.waiting.head
            idle = line.sequential and line.current is None
            if idle and head is not None and head.action == "StartTransaction":
                times.append(self._set_up.blocked_until())
        return min((time for time in times if time is not None), default=None)


def _own(call_id: str, action: str, data: bytes, purpose: Purpose) -> OpenCall:
    return OpenCall(call_id, action, data, own=purpose)


def _reached(at: float | None, now: float) -> bool:
    return at is not None and now >= at
