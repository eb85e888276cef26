"""What could be sent, most urgent first: stop, lower, start, raise, limit, reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..command import Command, Kind
from ..control.decision import Desired, Observed
from ..measurements import ChargingState
from .doubt import SAME_A, Doubt, Finding, Topic

if TYPE_CHECKING:
    from .executor import Executor

REPEAT_STOP_S = 30.0
VERIFY_START_S = 30.0
CONTACT_S = 60.0
NEED_S = 660.0
POLL_S, POLL_BLIND_S = 300.0, 121.0
READ_AGAIN_S = 15.0
STARTED_BY_S, STARTING_FOR_S = 18.0, 120.0
"""From a start to the read that verifies it where nobody measures (30 s in all), and how long a
car that says Starting is asked again."""
BODY_POLL_S = 600.0
WAKE_EACH_S = 900.0
SETTLE_S = 15.0
MEASURED_BY_S = 20.0
"""So long after a lost answer the connector has had its say, where there is one."""


class Candidates:
    """Works out the list; remembers wakes by reason and the last question to the body."""

    def __init__(self, wakes_by_itself: bool) -> None:
        self.wakes_by_itself = wakes_by_itself
        self.wakes: dict[str, float] = {}
        self.body_asked_at = float("-inf")
        self.read_asked_at = float("-inf")

    def woke(self, reason: str, now: float) -> None:
        """A wake went out."""
        self.wakes[reason] = now

    def of(
        self, executor: Executor, desired: Desired, seen: Observed, now: float
    ) -> Iterator[Command]:
        """Commands in the order they deserve to be sent."""
        if executor.by_hand is not None:
            yield executor.by_hand
        for command in _control(executor, desired, seen, now):
            yield from self._with_contact(executor, command, desired, seen, now)
        yield from self._verify(executor, desired, seen, now)
        yield from self._reads(executor, desired, seen, now)

    def _with_contact(
        self, executor: Executor, command: Command, desired: Desired, seen: Observed, now: float
    ) -> Iterator[Command]:
        """The command itself, or first the question whether the car sleeps, or its wake."""
        belief = executor.belief
        if self.wakes_by_itself:
            if desired.wake or command.kind is Kind.STOP or seen.flowing or not belief.asleep:
                yield command
            return
        # A car that draws current is awake: no question needed, no seconds lost.
        drawing = seen.flowing or (seen.amps is None and belief.charging is True)
        if drawing or command.normalize or self._in_contact(executor, now):
            yield command
        elif belief.asleep and now - belief.asleep_at <= CONTACT_S:
            yield from self._wake(desired, now)
        elif now - self.body_asked_at >= READ_AGAIN_S:
            yield Command(Kind.READ_BODY, safety=command.safety, reason="before a command")

    def _in_contact(self, executor: Executor, now: float) -> bool:
        contact = executor.backoff.last_contact
        return bool(
            contact is not None and now - contact <= CONTACT_S and executor.belief.asleep is False
        )

    def _wake(self, desired: Desired, now: float) -> Iterator[Command]:
        if not desired.wake:
            return
        last = self.wakes.get(desired.wake)
        if last is None or now - last >= WAKE_EACH_S:
            yield Command(Kind.WAKE, reason=desired.wake)

    def _verify(
        self, executor: Executor, desired: Desired, seen: Observed, now: float
    ) -> Iterator[Command]:
        """A read where an answer was lost and no measured current tells what came of it."""
        reads, doubts = executor.counters.reads, executor.belief.doubts.items()
        if not any(
            _repeats(doubt, topic, desired) and _readable(executor, doubt, seen, now)
            for topic, doubt in doubts
        ):
            return
        if executor.counters.may_read(now) and not (reads and now - reads[-1] < READ_AGAIN_S):
            command = Command(Kind.READ_CHARGE, reason="an answer was lost")
            yield from self._with_contact(executor, command, desired, seen, now)

    def _reads(
        self, executor: Executor, desired: Desired, seen: Observed, now: float
    ) -> Iterator[Command]:
        if not (desired.poll or desired.read) or not executor.counters.may_read(now):
            return
        wanted = self._wants_read(executor, desired, seen, now)
        if wanted:
            command = Command(Kind.READ_CHARGE, reason="needed" if desired.read else "poll")
            for step in self._with_contact(executor, command, desired, seen, now):
                if step.kind is not Kind.READ_BODY or self._may_ask_body(executor, desired, now):
                    yield step
        elif now - self.body_asked_at >= BODY_POLL_S and not seen.flowing:
            yield Command(Kind.READ_BODY, reason="does it sleep?")

    def _may_ask_body(self, executor: Executor, desired: Desired, now: float) -> bool:
        """Known to sleep and nothing to wake it for: every ten minutes is enough."""
        if not executor.belief.asleep or desired.wake:
            return True
        return now - self.body_asked_at >= BODY_POLL_S

    def _wants_read(self, executor: Executor, desired: Desired, seen: Observed, now: float) -> bool:
        last = executor.counters.reads[-1] if executor.counters.reads else float("-inf")
        if desired.read:
            return now - last >= READ_AGAIN_S
        charging = seen.flowing or (seen.amps is None and executor.belief.charging is True)
        if _unverified(executor, seen, last, now):
            return True
        if not charging and now - executor.need_at > NEED_S:
            return False
        blind = seen.amps is None or seen.amps_at == seen.car_at
        return now - last >= (POLL_BLIND_S if blind and charging else POLL_S)


def _unverified(executor: Executor, seen: Observed, last: float, now: float) -> bool:
    """A start went out, and where nobody measures no read has told yet what came of it."""
    start_at = executor.belief.start_at
    if start_at is None or seen.amps is not None or now - last < READ_AGAIN_S:
        return False
    due = start_at + STARTED_BY_S
    if last < due:
        return now >= due
    starting = seen.car is not None and seen.car.charging_state is ChargingState.STARTING
    return starting and now - start_at <= STARTING_FOR_S


def _control(executor: Executor, desired: Desired, seen: Observed, now: float) -> Iterator[Command]:
    if desired.charge is False:
        waits = _must_wait(executor, Topic.CHARGE, desired, seen, now)
        if _needs_stop(executor, seen, now) and not waits:
            yield Command(Kind.STOP, safety=desired.safety)
        return
    amps = _amps(executor, desired, seen, now)
    running = seen.flowing or (seen.amps is None and executor.belief.charging is True)
    if amps is not None:
        # The current first: a start at the old one would be the wrong one.
        if not _must_wait(executor, Topic.AMPS, desired, seen, now):
            yield amps
    elif not (desired.charge is None or running) and _needs_start(executor, desired, seen, now):
        yield Command(Kind.START)
    if desired.limit in (None, executor.belief.limit):
        return
    if not _must_wait(executor, Topic.LIMIT, desired, seen, now):
        yield Command(Kind.SET_LIMIT, desired.limit, normalize=desired.normalize)


def _must_wait(
    executor: Executor, topic: Topic, desired: Desired, seen: Observed, now: float
) -> bool:
    """The same has been sent, its answer was lost, and nobody knows yet what came of it."""
    doubt = executor.belief.doubts.get(topic)
    if doubt is None or not _repeats(doubt, topic, desired):
        return False
    if not _tried(executor, doubt) and executor.counters.may_read(now):
        return True
    # The car does not answer reads either. What lowers goes out again all the same, a rise only
    # where a measured current speaks against it.
    return not (doubt.lowers or desired.safety or doubt.finding(seen) is Finding.PERHAPS_NOT)


def _repeats(doubt: Doubt, topic: Topic, desired: Desired) -> bool:
    """The doubtful command is what would be sent now; another value may go out at once."""
    if topic is Topic.CHARGE:
        return desired.charge is (doubt.command.kind is Kind.START)
    wanted = desired.amps if topic is Topic.AMPS else desired.limit
    return doubt.command.value == wanted


def _tried(executor: Executor, doubt: Doubt) -> bool:
    """The car has been asked since."""
    reads = executor.counters.reads
    return bool(reads and reads[-1] >= doubt.at)


def _readable(executor: Executor, doubt: Doubt, seen: Observed, now: float) -> bool:
    """A read would tell more than waiting for the connector."""
    if doubt.lowers and _tried(executor, doubt):
        return False  # asked in vain: it is simply sent again
    finding = doubt.finding(seen)
    if finding is Finding.PERHAPS_NOT:
        return doubt.command.kind is not Kind.START  # the half minute of a start decides
    idle_request = doubt.command.kind in (Kind.SET_AMPS, Kind.SET_LIMIT) and not seen.flowing
    return seen.amps is None or idle_request or now - doubt.at >= MEASURED_BY_S


def _needs_stop(executor: Executor, seen: Observed, now: float) -> bool:
    belief = executor.belief
    sent = belief.stop_sent_at
    if sent is not None and now - sent < REPEAT_STOP_S:
        started = belief.start_sent_at
        if started is None or started < sent:
            return False
    if seen.amps is not None and not seen.idle:
        return True
    if seen.amps is None:
        return belief.charging is not False
    # Idle for now, but a start of ours may still be about to take effect.
    return belief.start_at is not None


def _amps(executor: Executor, desired: Desired, seen: Observed, now: float) -> Command | None:
    wanted, belief = desired.amps, executor.belief
    if wanted is None or belief.amps == wanted:
        return None
    present = seen.amps if seen.flowing else belief.amps
    settled = belief.amps_at is None or now - executor.last_command_at >= SETTLE_S
    if belief.amps is None and seen.flowing and present is not None and not desired.normalize:
        if not settled and not desired.safety:
            return None
        told = _asked_for(executor, wanted, present, seen) and Topic.AMPS not in belief.doubts
        if told and belief.charging is not None:
            belief.amps, belief.amps_at = wanted, now
            return None
    lowers = present is not None and wanted < present
    return Command(
        Kind.SET_AMPS,
        wanted,
        safety=desired.safety and (lowers or present is None),
        normalize=desired.normalize,
        reason="lower" if lowers else "raise",
    )


def _asked_for(executor: Executor, wanted: int, present: float, seen: Observed) -> bool:
    """The car is asked for this current already, as its own read says, else as it draws.

    A car that holds back by itself draws what it likes: the request behind it may be higher.
    """
    car, read_at = seen.car, seen.car_at
    request = car.charge_current_request if car is not None else None
    if car is None or request is None or read_at is None or read_at < executor.last_command_at:
        return abs(present - wanted) <= SAME_A
    highest = car.charge_current_request_max
    # A car that cuts a request to its own maximum has taken it all the same.
    return round(request) == (wanted if highest is None else min(wanted, round(highest)))


def _needs_start(executor: Executor, desired: Desired, seen: Observed, now: float) -> bool:
    belief, counters = executor.belief, executor.counters
    if _must_wait(executor, Topic.CHARGE, desired, seen, now):
        return False
    if belief.start_at is not None and now - belief.start_at < VERIFY_START_S:
        return False
    if belief.complete_at is not None and now - belief.complete_at < WAKE_EACH_S:
        return False
    return counters.may_start(now)
