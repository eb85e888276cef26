"""Rules `answer_for_charger`, `configuration` and `answer_for_upstream`: in the other's place."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..actions import ACTIONS, Sender
from ..relay.events import Leg
from ..relay.memory import StationMemory
from ..relay.rules import Injection, LateAnswer, Payload
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings
from .words import LineError

# What is truly said of an action that nobody carries out; the others are answered Accepted.
_ANSWERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "CertificateSigned": {"status": "Rejected"},
    "DataTransfer": {"status": "UnknownVendorId"},
    "DeleteCertificate": {"status": "NotFound"},
    "ExtendedTriggerMessage": {"status": "NotImplemented"},
    "GetCompositeSchedule": {"status": "Rejected"},
    "GetDiagnostics": {},
    "GetInstalledCertificateIds": {"status": "NotFound"},
    "GetLocalListVersion": {"listVersion": -1},
    "GetLog": {"status": "Rejected"},
    "InstallCertificate": {"status": "Rejected"},
    "ReserveNow": {"status": "Rejected"},
    "SendLocalList": {"status": "NotSupported"},
    "SignedUpdateFirmware": {"status": "Rejected"},
    "UnlockConnector": {"status": "NotSupported"},
    "UpdateFirmware": {},
}
ACCEPTED: Final[Mapping[str, Any]] = {"status": "Accepted"}
REJECTED: Final[Mapping[str, Any]] = {"status": "Rejected"}


@dataclass(frozen=True, slots=True)
class ForCharger(Setting):
    """An action of upstream answered here; `seconds` 0: at once, not forwarded."""

    action: str
    seconds: float = 0.0

    @property
    def subject(self) -> Hashable:
        return self.action


@dataclass(frozen=True, slots=True)
class Key(Setting):
    """A configuration key the charger is said to have."""

    key: str
    value: str

    @property
    def subject(self) -> Hashable:
        return self.key.casefold()


@dataclass(frozen=True, slots=True)
class ForUpstream(Setting):
    """A notification of the charger that upstream never gets."""

    action: str

    @property
    def subject(self) -> Hashable:
        return self.action


def _read_for_charger(words: list[str]) -> Setting:
    reading.expect(words, 1, 2)
    action = reading.action(words[0], Sender.CENTRAL_SYSTEM)
    return ForCharger(action, reading.seconds(words[1]) if len(words) > 1 else 0.0)


def _read_key(words: list[str]) -> Setting:
    reading.expect(words, 2)
    value = words[1] and reading.text(words[1], 500)
    return Key(reading.text(words[0], 50), value)


def _read_for_upstream(words: list[str]) -> Setting:
    reading.expect(words, 1)
    action = reading.action(words[0], Sender.CHARGER)
    needed = [field.name for field in ACTIONS[action].answer if not field.optional]
    if needed or action == "StopTransaction":
        raise LineError(f"only the central system can answer {action}")
    return ForUpstream(action)


LINES = (
    LineKind("answer_for_charger ACTION [SECONDS]", _read_for_charger),
    LineKind("configuration KEY VALUE", _read_key),
    LineKind("answer_for_upstream ACTION", _read_for_upstream),
)


def check(settings: Settings) -> None:
    """Raises LineError for keys nobody will ever read."""
    answers = {each.action for each in settings.of(ForCharger)}
    if settings.of(Key) and "GetConfiguration" not in answers:
        raise LineError("configuration needs answer_for_charger GetConfiguration beside it")


class AnswerForCharger(Rule):
    """Answers CALLs of upstream that the charger leaves unanswered.

    TriggerMessage only for BootNotification: the cached boot follows. Without one the trigger is
    Rejected, so that upstream goes on instead of waiting for a boot that never comes.
    """

    name = "answer_for_charger"

    def __init__(
        self, waits: Mapping[str, float], keys: Mapping[str, str], memory: StationMemory
    ) -> None:
        self._waits = waits
        self._keys = keys
        self._memory = memory

    def from_upstream(self, passage: Passage) -> None:
        seconds = self._waits.get(passage.action)
        if seconds is None or not passage.is_call:
            return
        request = passage.message.payload
        boots = passage.action == "TriggerMessage"
        if boots and request.get("requestedMessage") != "BootNotification":
            return
        answer = self._answer(passage.action, request)
        boot = self._memory.boot if boots else None
        if not seconds:
            passage.answer(self, answer, "answered for the charger")
            if boot is not None:
                passage.inject(self, Leg.UPSTREAM, "BootNotification", boot)
            return
        boot_call = Injection(Leg.UPSTREAM, "BootNotification", boot or b"{}", (self, "boot"))
        note = f"{passage.action}: rule {self.name}: the charger was silent for {seconds:g} s"
        passage.answer_late(LateAnswer(seconds, answer, (boot_call,) if boot else (), note))

    def _answer(self, action: str, request: Mapping[str, Any]) -> Payload:
        if action == "TriggerMessage":
            return REJECTED if self._memory.boot is None else ACCEPTED
        if action == "GetConfiguration":
            return configuration(self._keys, request.get("key"))
        answer: Payload = _ANSWERS.get(action, ACCEPTED)
        return answer


def configuration(keys: Mapping[str, str], wanted: object) -> dict[str, Any]:
    """The answer to GetConfiguration: the keys asked for, all when none is named.

    Keys are compared without regard to case (CiString50, OCPP 1.6 §7.9).
    """
    by_name = {name.casefold(): (name, value) for name, value in keys.items()}
    names = [name for name in wanted if isinstance(name, str)] if isinstance(wanted, list) else []
    found = [by_name[name.casefold()] for name in names if name.casefold() in by_name]
    known = [
        {"key": name, "readonly": True, "value": value}
        for name, value in (found if names else by_name.values())
    ]
    unknown = [name for name in names if name.casefold() not in by_name]
    return {"configurationKey": known, **({"unknownKey": unknown} if unknown else {})}


class AnswerForUpstream(Rule):
    """Answers notifications of the charger with `{}` and keeps them from upstream."""

    name = "answer_for_upstream"

    def __init__(self, actions: frozenset[str]) -> None:
        self._actions = actions

    def from_charger(self, passage: Passage) -> None:
        if passage.is_call and passage.action in self._actions:
            passage.answer(self, b"{}", "answered for upstream")


def for_charger(settings: Settings, around: Surroundings) -> Rule | None:
    waits = {each.action: each.seconds for each in settings.of(ForCharger)}
    keys = {each.key: each.value for each in settings.of(Key)}
    return AnswerForCharger(waits, keys, around.memory) if waits else None


def for_upstream(settings: Settings, _around: Surroundings) -> Rule | None:
    actions = frozenset(each.action for each in settings.of(ForUpstream))
    return AnswerForUpstream(actions) if actions else None
