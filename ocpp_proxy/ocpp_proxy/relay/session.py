"""One station's session: what each message, loss and moment means, as effects for the shell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random

from .. import closing
from ..frames import CALL, CALLERROR, CALLRESULT, Head
from .backlog import MAX_CALLS
from .calls import OpenCall, Purpose
from .events import Close, Closed, Copy, Dial, Effect, Leg, Note, Send
from .hold import MAX_UNANSWERED, hold, hold_again
from .judge import Judge
from .line import Line
from .memory import StationMemory
from .redial import Redial
from .replay import Replay
from .rules import Rules
from .settings import RelaySettings

_REMEMBERED = frozenset({"BootNotification", "StatusNotification", "MeterValues"})


class Relay:
    """The session of one station without I/O.

    Time is monotonic seconds given to each call; every call returns the effects to perform, in
    order. `deadline` is when `due` wants to be called next, None for never; it may change with
    every call. `ended`: both legs were lost or told to close, nothing will come of this relay any
    more. With `copies` set, each CALL of the charger is also given as a `Copy`, as the rules left
    it, whether upstream is there or not.
    """

    def __init__(
        self,
        station_id: str,
        memory: StationMemory,
        settings: RelaySettings,
        *,
        wall_clock: Callable[[], datetime],
        random: Random,
        rules: Rules | None = None,
    ) -> None:
        self.station_id = station_id
        self.upstream_up = False
        self.ended = False
        self.deadline: float | None = None
        self.copies = False
        self._memory = memory
        self._settings = settings
        self._wall_clock = wall_clock
        self._replay = Replay(memory, settings, wall_clock, random)
        self._up = Line(Leg.UPSTREAM, self._replay.may_send)
        self._down = Line(Leg.CHARGER)
        self._judge = None if rules is None else Judge(rules, self._up, self._down, random)
        self._redial = Redial(settings.hold_seconds, random)
        self._up_since = 0.0
        self._lost_at = 0.0
        self._away_because = ""
        self._in_use = False
        self._ignored = 0

    def start(self, now: float) -> list[Effect]:
        """Both legs are up: the charger (re)connected, upstream is freshly dialled."""
        self._upstream_is(True, now)
        self._in_use = True
        self._replay.session_began(now)
        return self._turn(now)

    def _upstream_is(self, up: bool, now: float) -> None:
        self.upstream_up = up
        if up:
            self._up_since = now
            self._in_use = False
        if self._judge is not None:
            self._judge.upstream_changed(up, now)

    # Messages

    def received(
        self, leg: Leg, head: Head | None, data: bytes, text: bool, now: float
    ) -> list[Effect]:
        """A message came from a leg, as text or binary frame; `head` is what `scan` found in it."""
        if self.ended:
            return []
        if self._judge is None:
            return self._handle(leg, head, data, text, now)
        effects, rest = self._judge.judge(leg, data, text, now)
        if rest is not None:
            effects += self._handle(leg, *rest, now)
        return effects + self._turn(now)

    def _handle(
        self, leg: Leg, head: Head | None, data: bytes, text: bool, now: float
    ) -> list[Effect]:
        if head is not None:
            kind, message_id, action = head
            if kind == CALL:
                call = OpenCall(message_id, action, data, text)
                if leg is Leg.CHARGER:
                    return self._charger_call(call, now)
                return self._upstream_call(call, now)
            if kind in (CALLRESULT, CALLERROR):
                if leg is Leg.CHARGER:
                    return self._charger_answer(message_id, data, text, now)
                return self._upstream_answer(message_id, data, text, now)
        if leg is Leg.CHARGER:
            return self._to_upstream(data, text)
        self._in_use = True
        return [Send(Leg.CHARGER, data, text)]

    def _charger_call(self, call: OpenCall, now: float) -> list[Effect]:
        if call.action in _REMEMBERED:
            self._memory.saw(call.action, call.data)
            if call.action == "BootNotification":
                self._replay.charger_booted()
        effects: list[Effect] = [Copy(call.data, call.text)] if self.copies else []
        if not self.upstream_up:
            return effects + self._hold([call], now, hold)
        held_back = self._replay.holds_back(call.action, now)
        if self._up.free and not held_back:
            self._up.sent(call, now)
            self._in_use = True
            return [*effects, Send(Leg.UPSTREAM, call.data, call.text)]
        self._up.waiting.add(call)
        self._up.sequential |= held_back
        return effects + self._turn(now)

    def _upstream_call(self, call: OpenCall, now: float) -> list[Effect]:
        self._in_use = True
        self._replay.upstream_called(call.id, call.action, call.data, now)
        if self._down.free:
            self._down.sent(call, now)
            if self._replay.watching:
                self._settle()
            return [Send(Leg.CHARGER, call.data, call.text)]
        self._down.waiting.add(call)
        return self._turn(now)

    def _charger_answer(self, call_id: str, data: bytes, text: bool, now: float) -> list[Effect]:
        call = self._down.answered(call_id)
        effects: list[Effect] = []
        if call is not None and call.swallows:
            effects += self._own_answered(call, data, now)
        else:
            self._replay.charger_answered(call_id, now)
            effects += self._to_upstream(data, text)
        if self._down.busy or self._up.sequential:
            effects += self._turn(now)
        return effects

    def _to_upstream(self, data: bytes, text: bool) -> list[Effect]:
        """Pass on what is no CALL; while upstream is away nobody waits for it."""
        if self.upstream_up:
            self._in_use = True
            return [Send(Leg.UPSTREAM, data, text)]
        self._ignored += 1
        return [Note("debug", "left out, upstream is away: what is no CALL of the charger")]

    def _upstream_answer(self, call_id: str, data: bytes, text: bool, now: float) -> list[Effect]:
        self._in_use = True
        call = self._up.answered(call_id)
        if call is not None and call.action == "BootNotification":
            self._replay.boot_answered(call, data, self._up, now)
        if call is None or not call.swallows:
            effects: list[Effect] = [Send(Leg.CHARGER, data, text)]
        else:
            effects = self._own_answered(call, data, now)
        if self._up.busy or (call is not None and call.own is not None):
            effects += self._turn(now)
        return effects

    def _own_answered(self, call: OpenCall, data: bytes, now: float) -> list[Effect]:
        """An answer that is not relayed: of our own CALL, or too late."""
        if call.own is Purpose.RULE and self._judge is not None:
            return self._judge.answered(call, data, now)
        about = call.own.value if call.own is not None else f"{call.action} answered already"
        return [Note("debug", f"answer not relayed: {about}")]

    # Time

    def due(self, now: float) -> list[Effect]:
        """Time has passed; does nothing if it is too early."""
        if self.ended:
            return []
        if not self.upstream_up:
            gives_up_at = self._redial.gives_up_at
            if gives_up_at is not None and now >= gives_up_at:
                return self._give_up(now)
        effects: list[Effect] = []
        if self.upstream_up:
            effects += self._replay.due(self._up, now)
        if self._judge is not None:
            effects += self._judge.due(now)
        return effects + self._turn(now)

    def _turn(self, now: float) -> list[Effect]:
        """Send what has its turn now, and see what is due next."""
        effects: list[Effect] = []
        if self.upstream_up:
            effects += self._up.pump(now)
            self._in_use |= bool(effects)
        else:
            self._up.lapse_own()
        effects += self._down.pump(now)
        effects += self._lapsed(now)
        effects += self._too_much(now)
        self._settle()
        return effects

    def _lapsed(self, now: float) -> list[Effect]:
        """Our CALLs that got no answer in time."""
        effects: list[Effect] = []
        for line in (self._up, self._down):
            calls, line.lapsed = line.lapsed, []
            for call in calls:
                if call.own is Purpose.BOOT:
                    self._replay.boot_lapsed(now)
                if call.own is Purpose.RULE and self._judge is not None:
                    effects += self._judge.answered(call, None, now)
                effects.append(Note("debug", f"{line.leg.value} did not answer our {call.action}"))
        return effects

    def _too_much(self, now: float) -> list[Effect]:
        """Keep what waits within limits: drop, give way or, with nothing left to give, end."""
        effects: list[Effect] = []
        if self._down.waiting and _over(self._down, MAX_UNANSWERED):
            self._down.give_way(now)
            effects += self._down.pump(now)
        if self._up.waiting:
            limit = MAX_CALLS if self.upstream_up else MAX_UNANSWERED
            if _over(self._up, limit):
                if not self._up.sequential and self.upstream_up:
                    self._up.give_way(now)
                    effects += self._up.pump(now)
                else:
                    effects += self._end(Closed(1013, "too many messages wait for upstream"))
        return effects

    def _settle(self) -> None:
        """Work out when `due` wants to be called."""
        times = [self._down.deadline()]
        if self.ended:
            times = []
        elif self.upstream_up:
            times += [self._up.deadline(), self._replay.deadline(self._up)]
        else:
            times.append(self._redial.gives_up_at)
        if self._judge is not None and not self.ended:
            times.append(self._judge.deadline())
        self.deadline = min((time for time in times if time is not None), default=None)

    # Legs

    def lost(self, leg: Leg, closed: Closed, now: float) -> list[Effect]:
        """A leg ended, as seen on it."""
        if self.ended:
            return []
        if leg is Leg.CHARGER:
            return self._charger_lost(closed)
        if not self.upstream_up:
            return []
        end = closing.upstream_end(closed)
        exists = end is closing.UpstreamEnd.ALREADY_EXISTS
        redialled = self._redial.gives_up_at is not None
        if not exists and (self._in_use or not redialled):
            refused = end is closing.UpstreamEnd.REFUSES
            if refused or self._settings.on_upstream_loss == "close":
                self.upstream_up = False
                level = "error" if refused else "warning"
                note = Note(level, f"upstream {end.value}: {_told(closed)}; closing the charger")
                return [note, *self._end(closing.to_charger(closed))]
        return self._upstream_lost(closed, exists, now)

    def _charger_lost(self, closed: Closed) -> list[Effect]:
        told = closing.to_upstream(closed)
        effects: list[Effect] = [Note("info", f"charger left: {_told(closed)}")]
        if self.upstream_up:
            effects.append(Close(Leg.UPSTREAM, told.code, told.reason))
        self._finish()
        return effects

    def _upstream_lost(self, closed: Closed, exists: bool, now: float) -> list[Effect]:
        """Keep the charger, answer what can be answered, dial again."""
        self._redial.lost(now, self._up_since)
        self._lost_at = now
        self._away_because = ""
        self._upstream_is(False, now)
        self._replay.upstream_lost()
        self._down.forget_calls()
        effects: list[Effect] = [
            Note("warning", f"upstream lost: {_told(closed)}; charger is held")
        ]
        effects += self._hold(self._up.cut(now), now, hold_again)
        return effects if self.ended else effects + self._dial_again(exists, now)

    def _hold(
        self,
        calls: list[OpenCall],
        now: float,
        how: Callable[..., bytes | None],
    ) -> list[Effect]:
        effects: list[Effect] = []
        for call in calls:
            answer = how(call, self._up.waiting, self._wall_clock())
            if answer is not None:
                effects.append(Send(Leg.CHARGER, answer))
        return effects + self._turn(now)

    def dialled(self, now: float) -> list[Effect]:
        """A dial succeeded: a new upstream leg is up."""
        if self.ended:
            return [Close(Leg.UPSTREAM, 1001, "charger connection lost")]
        self._upstream_is(True, now)
        self._replay.upstream_returned(self._up, now)
        said = [f"upstream is back after {now - self._lost_at:.1f} s"]
        for number, what in (
            (len(self._up.own) + len(self._up.waiting), "messages to tell it"),
            (self._ignored, "messages to the old one left out"),
            (self._up.waiting.dropped, "meter values or notices dropped"),
        ):
            if number:
                said.append(f"{number} {what}")
        self._ignored = self._up.waiting.dropped = 0
        return [Note("info", ", ".join(said)), *self._turn(now)]

    def dial_failed(self, why: str, now: float, already_exists: bool = False) -> list[Effect]:
        """A dial failed, or its connection was closed at once."""
        if self.ended or self.upstream_up:
            return []
        level = "debug" if why == self._away_because else "info"
        self._away_because = why
        return [
            Note(level, f"upstream still away: {why}"),
            *self._dial_again(already_exists, now),
        ]

    def _dial_again(self, already_exists: bool, now: float) -> list[Effect]:
        if already_exists:
            self._redial.already_exists(now)
        gives_up_at = self._redial.gives_up_at
        if gives_up_at is not None and now >= gives_up_at:
            return self._give_up(now)
        self._settle()
        return [Dial(self._redial.next_delay(already_exists))]

    def _give_up(self, now: float) -> list[Effect]:
        away = f"upstream away for {now - self._lost_at:.0f} s"
        because = f" ({self._away_because})" if self._away_because else ""
        note = Note("warning", f"{away}{because}: closing the charger")
        return [note, *self._end(Closed(1012, "upstream lost"))]

    def stop(self) -> list[Effect]:
        """The proxy stops: both legs are closed with 1001."""
        return [] if self.ended else self._end(Closed(1001, "proxy stops"))

    def _end(self, told: Closed) -> list[Effect]:
        """Close what is open, with the same words for both."""
        effects: list[Effect] = [Close(Leg.CHARGER, told.code, told.reason)]
        if self.upstream_up:
            effects.append(Close(Leg.UPSTREAM, told.code, told.reason))
        self._finish()
        return effects

    def _finish(self) -> None:
        self.ended = True
        self.upstream_up = False
        self.deadline = None
        for line in (self._up, self._down):
            line.drop()


def _over(line: Line, limit: int) -> bool:
    return line.waiting.unanswered > limit or line.waiting.heavy


def _told(closed: Closed) -> str:
    return f"{closed.code} {closed.reason}".rstrip()
