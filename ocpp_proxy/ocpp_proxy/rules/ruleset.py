"""The rules of one session as one: each message passes them in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from ..relay.rules import Injection, Message, Verdict
from .passage import Passage
from .rule import Rule

REPEAT_SECONDS: Final = 3600.0
MOST_REMEMBERED: Final = 200  # pairs of rule and action


class RuleSet:
    """What the relay sees of the rules; rules that have no say on a leg are not asked there."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._from_charger = [
            rule.from_charger for rule in rules if type(rule).from_charger is not Rule.from_charger
        ]
        self._from_upstream = [
            rule.from_upstream
            for rule in rules
            if type(rule).from_upstream is not Rule.from_upstream
        ]
        self._voice = Voice()

    @property
    def deadline(self) -> float | None:
        """The earliest deadline of any rule."""
        times = [rule.deadline for rule in self._rules if rule.deadline is not None]
        return min(times, default=None)

    def charger_message(self, message: Message, now: float) -> Verdict | None:
        """Pass a message of the charger through the rules."""
        passage = Passage(message, now)
        for rule in self._from_charger:
            rule(passage)
            if passage.settled:
                break
        return self._spoken(passage)

    def upstream_message(self, message: Message, now: float) -> Verdict | None:
        """Pass a message of upstream through the rules."""
        passage = Passage(message, now)
        for rule in self._from_upstream:
            rule(passage)
            if passage.settled:
                break
        return self._spoken(passage)

    def _spoken(self, passage: Passage) -> Verdict | None:
        verdict = passage.verdict()
        if verdict is None or not passage.notes:
            return verdict
        level, note = self._voice.say(passage.notes, passage.action, passage.now)
        return replace(verdict, note=note, note_level=level)

    def answered(self, injection: Injection, answer: bytes | None, now: float) -> Verdict | None:
        """A CALL one of the rules injected was answered."""
        match injection.tag:
            case (Rule() as rule, what):
                return rule.answered(what, answer, now)
        return None

    def due(self, now: float) -> Verdict | None:
        """Somebody's deadline has passed; the verdicts are joined."""
        verdicts = [
            verdict
            for rule in self._rules
            if rule.deadline is not None
            and now >= rule.deadline
            and (verdict := rule.due(now)) is not None
        ]
        return _joined(verdicts)

    def upstream_changed(self, up: bool, now: float) -> None:
        """Upstream is up or was lost."""
        for rule in self._rules:
            rule.upstream_changed(up, now)


def _joined(verdicts: Sequence[Verdict]) -> Verdict | None:
    if not verdicts:
        return None
    notes = [verdict.note for verdict in verdicts if verdict.note]
    return Verdict(
        release=next((each.release for each in verdicts if each.release is not None), None),
        inject=tuple(injection for each in verdicts for injection in each.inject),
        note=", ".join(notes) or None,
    )


class Voice:
    """Makes log lines of what rules did: at info the first time and once an hour, else at debug.

    A wallbox that needs a rule for every message would fill the log otherwise.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], float] = {}
        self._unsaid: dict[tuple[str, str], int] = {}

    def say(self, notes: Iterable[tuple[str, str]], action: str, now: float) -> tuple[str, str]:
        """Level and text for what was done to one message."""
        level, texts = "debug", []
        for rule, text in notes:
            key = (rule, action if len(self._said) < MOST_REMEMBERED else "")
            if now - self._said.get(key, -REPEAT_SECONDS) >= REPEAT_SECONDS:
                level = "info"
                if unsaid := self._unsaid.pop(key, 0):
                    text += f" (and {unsaid} times before)"
                self._said[key] = now
            else:
                self._unsaid[key] = self._unsaid.get(key, 0) + 1
            texts.append(f"rule {rule}: {text}")
        return level, f"{action or 'message'}: {', '.join(texts)}"
