"""Which command is next: desired against believed and measured, within all limits of sending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..car.link import Result
from ..car.link import ResultClass as R
from ..command import READS, Command, Kind
from ..control.decision import Desired, Observed
from ..control.inputs import LinkFacts
from ..gate import Gate, refusal
from ..measurements import PlugState
from .backoff import UNREACHED, Backoff
from .belief import Belief
from .candidates import VERIFY_START_S, Candidates
from .counters import STARTS_PER_QUARTER, Counters
from .doubt import Finding, Topic

SAFETY_GAP_S, NORMAL_GAP_S = 3.0, 12.0


@dataclass(frozen=True, slots=True)
class Next:
    """The next command, or None; `at` is when asking again makes sense."""

    command: Command | None
    at: float
    withheld: str = ""
    """The most urgent command that may not go out, and why (dry run, gate, rest of the radio)."""


class Executor:
    """Desired in, commands out, answers in. One command is under way at a time."""

    def __init__(
        self,
        now: float,
        stored: Mapping[str, Any] | None = None,
        wakes_by_itself: bool = False,
        has_driver: bool = True,
    ) -> None:
        self.belief = Belief()
        self.backoff = Backoff()
        self.counters = Counters()
        self.candidates = Candidates(wakes_by_itself)
        self.has_driver = has_driver
        self.under_way: Command | None = None
        self.sent_at = float("-inf")
        self.last_command_at = float("-inf")
        self.need_at = now
        self.by_hand: Command | None = None
        self.not_offered: set[Kind] = set()
        """What this driver has said it cannot do; it is not asked for again in this run."""
        self._epoch: int | None = None
        self._assertion: int | None = None
        self._restore(stored or {})

    def next(self, desired: Desired, seen: Observed, gate: Gate, now: float, day: int) -> Next:
        """The command to send now; it counts as sent from here on."""
        self.counters.turn_page(day)
        self._follow(desired, seen, now)
        if self.under_way is not None or not self.has_driver:
            return Next(None, now + 1.0)
        withheld = ""
        soonest = now + 10.0
        for command in self.candidates.of(self, desired, seen, now):
            if command.kind in self.not_offered and not command.by_hand:
                continue
            reason = self._refused(command, gate)
            if reason:
                withheld = withheld or f"{command}: {reason}"
                continue
            ready = self._ready_at(command, now)
            if ready > now:
                soonest = min(soonest, ready)
                withheld = withheld or f"{command}: waits"
                if command.kind not in READS:
                    break  # a lesser command would only delay this one
                continue
            self._send(command, now)
            return Next(command, now, withheld)
        return Next(None, max(now + 0.5, soonest), withheld)

    def _refused(self, command: Command, gate: Gate) -> str:
        reason = refusal(command, gate)
        if reason:
            return reason
        if self.counters.exhausted() and not self._lowers(command, gate):
            return f"{self.counters.commands} commands today: only stops and lowering"
        return ""

    def _lowers(self, command: Command, gate: Gate) -> bool:
        """Stops, lowering, and what changes nothing; the rest waits for tomorrow."""
        if command.kind in READS or command.kind in (Kind.STOP, Kind.PAIR) or command.by_hand:
            return True
        if command.safety:
            return True
        present = gate.measured_amps if gate.measured_amps is not None else self.belief.amps
        lower = command.kind is Kind.SET_AMPS and command.value is not None
        return bool(lower and present is not None and (command.value or 0) < present)

    def _ready_at(self, command: Command, now: float) -> float:
        safety = command.safety or command.kind is Kind.STOP
        if not command.by_hand and not self.backoff.allows(now, safety):
            return min(self.backoff.until, now + 5.0) if safety else self.backoff.until
        if command.kind in READS or command.kind in (Kind.WAKE, Kind.PAIR):
            return now
        return self.last_command_at + (SAFETY_GAP_S if safety else NORMAL_GAP_S)

    def _send(self, command: Command, now: float) -> None:
        self.under_way = command
        self.sent_at = now
        if command is self.by_hand:
            self.by_hand = None
        if command.kind is Kind.READ_CHARGE:
            self.counters.reads.append(now)
        elif command.kind is Kind.WAKE:
            self.candidates.woke(command.reason, now)
        elif command.kind is Kind.READ_BODY:
            self.candidates.body_asked_at = now
        if command.kind not in READS and command.kind not in (Kind.WAKE, Kind.PAIR):
            self.last_command_at = self.need_at = now

    def finished(self, result: Result, now: float, jitter: float) -> None:
        """The answer to the command under way; `jitter` 0…1 comes from the caller."""
        command, self.under_way = self.under_way, None
        if command is None:
            return
        woke_just_now = self.belief.woken_at is not None and now - self.belief.woken_at < 60.0
        if result.result_class is R.NOT_OFFERED:
            self.not_offered.add(command.kind)
            return
        asked = command.kind in (Kind.PING, Kind.PAIR)
        # A person's question that the car refuses says nothing of a charge under way; that it went
        # well proves the key, and that nobody was reached is true of every command.
        unproven = asked and not result.ok and result.result_class not in UNREACHED
        if not unproven and not (woke_just_now and result.result_class is R.TIMEOUT):
            self.backoff.take(result.result_class, now, jitter)
        was_awake = self.belief.woken_at
        self.belief.take(command, result, self.sent_at, now)
        if self.belief.woken_at != was_awake:
            self.need_at = now
        self.counters.heard(command, result.result_class)
        heard_start = result.ok or result.result_class in (
            R.OK_PENDING,
            R.UNKNOWN_RESULT,
            R.TIMEOUT,
        )
        if command.kind is Kind.START and heard_start:
            self.counters.starts.append(self.sent_at)

    def _follow(self, desired: Desired, seen: Observed, now: float) -> None:
        if self._epoch != desired.epoch:
            if self._epoch is not None:
                self.belief.forget()
                self.counters.forget_starts()
            self._epoch, self.need_at = desired.epoch, now
        if seen.plug is PlugState.UNPLUGGED:
            self.belief.start_at = None
        if self._assertion != desired.assertion:
            if self._assertion is not None:
                self.belief.amps = None
            self._assertion = desired.assertion
        self.belief.settle(seen, now)
        if seen.flowing:
            self.belief.start_at = None
            self.counters.fruitless = 0
            self.belief.charging = True
        start_at = self.belief.start_at
        if start_at is not None and now - start_at > VERIFY_START_S:
            self._judge_start(seen)

    def _judge_start(self, seen: Observed) -> None:
        """No current after half a minute: a fruitless start, where that is known at all."""
        belief = self.belief
        doubt = belief.doubts.get(Topic.CHARGE)
        if doubt is not None and doubt.finding(seen) is Finding.OPEN:
            return  # nobody has measured since: a read of the car must tell
        if seen.amps is None and belief.charging is True:
            return  # nobody measures: what the car said last stands
        belief.doubts.pop(Topic.CHARGE, None)
        belief.start_at, belief.charging = None, False
        self.counters.fruitless += 1

    def ask(self, command: Command) -> None:
        """A person's wake, ping or pairing request: next in line, newest wins."""
        self.by_hand = command

    def facts(self, now: float) -> LinkFacts:
        """What control may know of all this."""
        backoff, belief = self.backoff, self.belief
        return LinkFacts(
            accepted_amps=belief.amps,
            accepted_at=belief.amps_at,
            start_sent_at=belief.start_sent_at,
            stop_sent_at=belief.stop_sent_at,
            believed_charging=belief.charging,
            charging_since=belief.charging_since,
            commands_today=self.counters.commands,
            unreachable_since=backoff.unreachable_since,
            last_contact=backoff.last_contact,
            fault=backoff.fault if self.has_driver else "no_driver",
            complete_at=belief.complete_at,
            start_without_current=self.counters.fruitless >= STARTS_PER_QUARTER,
            woken_at=belief.woken_at,
            alarms=("relay_unreachable",) if backoff.relay_streak >= 3 else (),
        )

    def remember(self, now: float, wall_s: float) -> dict[str, Any]:
        """What must survive a restart, as JSON values; the backoff as wall time."""
        return {
            "day": self.counters.day,
            "commands": self.counters.commands,
            "amps": self.belief.amps,
            "backoff_until": wall_s + self.backoff.remaining(now),
            "refused": str(self.backoff.last_class or "") if self.backoff.fault else "",
        }

    def _restore(self, stored: Mapping[str, Any]) -> None:
        day, commands = stored.get("day"), stored.get("commands")
        if isinstance(day, int) and isinstance(commands, int):
            self.counters.day, self.counters.commands = day, commands
        refused = stored.get("refused")
        self.backoff.refused_before(refused if isinstance(refused, str) else "")
        amps = stored.get("amps")
        self.belief.amps = amps if isinstance(amps, int) else None

    def rest_until(self, until: float) -> None:
        """Take up a stored backoff, already turned into monotonic time."""
        self.backoff.until = until
