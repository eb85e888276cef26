"""What the car is believed to do, from what it accepted; a measurement always wins."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..car.link import Result
from ..car.link import ResultClass as R
from ..command import Command, Kind
from ..control.decision import Observed
from ..measurements import BodyState, CarState, ChargingState, SleepStatus
from .doubt import TOPICS, Doubt, Finding, Topic


@dataclass(slots=True)
class Belief:
    """None is "not known": after a plug edge, or an answer that never came."""

    amps: int | None = None
    amps_at: float | None = None
    charging: bool | None = None
    charging_since: float | None = None
    limit: int | None = None
    asleep: bool | None = None
    asleep_at: float = float("-inf")
    woken_at: float | None = None
    start_at: float | None = None
    """A start was sent and its current is still awaited."""
    start_sent_at: float | None = None
    stop_sent_at: float | None = None
    complete_at: float | None = None
    doubts: dict[Topic, Doubt] = field(default_factory=dict)
    """Commands whose answers were lost and that nothing has settled yet."""

    def forget(self) -> None:
        """Plug edge or mode change: nothing accepted before counts.

        A start whose current is still awaited is not forgotten: a stop may have to follow it.
        """
        self.amps = None
        self.limit = None
        for topic in list(self.doubts):
            if topic is not Topic.CHARGE or self.start_at is None:
                del self.doubts[topic]

    def take(self, command: Command, result: Result, sent_at: float, now: float) -> None:
        """Learn from an answer."""
        done = result.ok or result.result_class is R.OK_PENDING
        uncertain = result.result_class in (R.UNKNOWN_RESULT, R.TIMEOUT)
        self._doubt(command, done, uncertain, now)
        if command.kind is Kind.SET_AMPS:
            self._take_amps(command, done, uncertain, now)
        elif command.kind in (Kind.START, Kind.STOP):
            self._take_charging(command.kind, result.result_class, done, uncertain, sent_at, now)
        elif command.kind is Kind.SET_LIMIT and (done or uncertain):
            self.limit = command.value if done else None
        elif command.kind is Kind.WAKE and done:
            self._sleep(False, now)
        self._read(result, now)

    def _doubt(self, command: Command, done: bool, uncertain: bool, now: float) -> None:
        topic = TOPICS.get(command.kind)
        if topic is None or not (done or uncertain):
            return
        old = self.doubts.pop(topic, None)
        if uncertain:
            again = old is not None and old.lowers and old.command.value == command.value
            lowers = command.kind is Kind.STOP or self._less(command) or again
            self.doubts[topic] = Doubt(command, now, lowers)

    def _less(self, command: Command) -> bool:
        wanted = command.value if command.kind is Kind.SET_AMPS else None
        return wanted is not None and self.amps is not None and wanted < self.amps

    def settle(self, seen: Observed, now: float) -> None:
        """Let the measured current end the doubts it can end."""
        for topic, doubt in list(self.doubts.items()):
            finding = doubt.finding(seen)
            if finding in (Finding.DONE, Finding.NOT_DONE):
                del self.doubts[topic]
                self._found(doubt.command, finding is Finding.DONE, now)

    def _found(self, command: Command, done: bool, now: float) -> None:
        if command.kind is Kind.SET_AMPS and done:
            self.amps, self.amps_at = command.value, now
        elif command.kind in (Kind.START, Kind.STOP):
            self._turn((command.kind is Kind.START) == done, now)

    def _turn(self, charging: bool | None, now: float) -> None:
        if charging != self.charging:
            self.charging, self.charging_since = charging, now

    def _take_amps(self, command: Command, done: bool, uncertain: bool, now: float) -> None:
        if done:
            self.amps, self.amps_at = command.value, now
        elif uncertain:
            self.amps = None

    def _take_charging(
        self, kind: Kind, answer: R, done: bool, uncertain: bool, sent_at: float, now: float
    ) -> None:
        starting = kind is Kind.START
        if answer is R.COMPLETE:
            self.complete_at = now
        if not (done or uncertain):
            return
        if starting:
            self.start_sent_at = self.start_at = sent_at
        else:
            self.stop_sent_at, self.start_at = sent_at, None
        self.charging = starting if done else None
        self.charging_since = now

    def _read(self, result: Result, now: float) -> None:
        if result.result_class is R.ASLEEP:
            self._sleep(True, now)
        if isinstance(result.data, BodyState) and result.data.sleep is not SleepStatus.UNKNOWN:
            self._sleep(result.data.sleep is SleepStatus.ASLEEP, now)
        if isinstance(result.data, CarState):
            self._sleep(False, now)
            self._take_read(result.data, now)

    def _take_read(self, car: CarState, now: float) -> None:
        state = car.charging_state
        if state in (ChargingState.CHARGING, ChargingState.STARTING):
            charging: bool | None = True
        elif state is ChargingState.UNKNOWN:
            charging = self.charging
        else:
            charging = False
        self._turn(charging, now)
        if state is not ChargingState.UNKNOWN:
            self.doubts.pop(Topic.CHARGE, None)
        if car.charge_limit_soc is not None:
            self.limit = car.charge_limit_soc
            self.doubts.pop(Topic.LIMIT, None)
        doubt = self.doubts.get(Topic.AMPS)
        request = doubt.request(car) if doubt is not None else None
        if request is not None:
            del self.doubts[Topic.AMPS]
            self.amps, self.amps_at = request, now

    def _sleep(self, asleep: bool, now: float) -> None:
        if self.asleep and not asleep:
            self.woken_at = now
        self.asleep, self.asleep_at = asleep, now
