"""One message as a person reads it: when, who, which way, what, how big, how long, masked text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from . import frames, masking
from .pairing import Facts, Pairing
from .relay.events import Leg

LONGEST_PAYLOAD = 2048
# Ids and actions are 36 and about 40 characters in OCPP; more is noise.
LONGEST_NAME = 64
MOST_STATIONS = 256


def masked(data: bytes, *, size: int = 0, id_tags: bool = True) -> str:
    """A payload for people: at most 2 kB, without credentials, tags shortened if so wished.

    `size`: of the whole message, when `data` is only its beginning.
    """
    text = data[: 2 * LONGEST_PAYLOAD].decode("utf-8", "backslashreplace")
    shown = masking.message(text, id_tags=id_tags)
    unseen = max(0, max(size, len(data)) - 2 * LONGEST_PAYLOAD)
    left_out = unseen + max(0, len(shown) - LONGEST_PAYLOAD)
    if not left_out:
        return shown
    return f"{shown[:LONGEST_PAYLOAD]}… ({left_out} more characters)"


@dataclass(slots=True)
class Message:
    """A copy of one message; `number` counts up from 1, `wall` is Unix time, `ms` of an answer.

    `own`: made, rewritten or repeated by the proxy. The payload is masked when somebody reads it.
    """

    number: int
    wall: float
    station: str
    leg: Leg
    kind: str
    id: str
    action: str
    size: int
    ms: float | None
    own: bool
    mask_id_tags: bool
    _payload: bytes | str = field(repr=False)

    @property
    def payload(self) -> str:
        """The whole message as masked text, at most about 2 kB."""
        if isinstance(self._payload, bytes):
            self._payload = masked(self._payload, id_tags=self.mask_id_tags)
        return self._payload

    def to_json(self) -> dict[str, Any]:
        """For the page and for files; `direction` up is from the wallbox to the central system."""
        return {
            "number": self.number,
            "time": timestamp(self.wall),
            "station": self.station,
            "direction": "up" if self.leg is Leg.CHARGER else "down",
            "kind": self.kind,
            "action": self.action,
            "id": self.id,
            "size": self.size,
            "ms": self.ms,
            "proxy": self.own,
            "payload": self.payload,
        }

    def line(self) -> bytes:
        """One line of a log file: the same as JSON in UTF-8."""
        text = json.dumps(self.to_json(), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace") + b"\n"


class Recorder:
    """Makes records of what an observer is told; knows the open CALLs of each station."""

    def __init__(self, *, mask_id_tags: bool = True) -> None:
        self._mask_id_tags = mask_id_tags
        self._pairings: dict[str, Pairing] = {}
        self._count = 0

    def record(
        self, station: str, leg: Leg, data: bytes, monotonic: float, wall: float, own: bool,
        *, size: int | None = None,
    ) -> Message:  # fmt: skip
        """Cheap: the payload of a message up to 2 kB is neither parsed nor masked yet.

        `size`: of the whole message, when `data` is only its beginning.
        """
        size = len(data) if size is None else size
        facts = self._facts(self._pairing(station), leg, data, monotonic, own)
        self._count += 1
        # Masked whole, so that no credential loses the name beside it to the cut.
        small = len(data) <= LONGEST_PAYLOAD
        payload = data if small else masked(data, size=size, id_tags=self._mask_id_tags)
        return Message(
            self._count, wall, station, leg, facts.kind_name, facts.id[:LONGEST_NAME],
            facts.action[:LONGEST_NAME], size, _milliseconds(facts), own,
            self._mask_id_tags, payload,
        )  # fmt: skip

    def disconnected(self, station: str) -> None:
        """Nothing that was open will be answered any more."""
        self._pairings.pop(station, None)

    def _facts(self, pairing: Pairing, leg: Leg, data: bytes, monotonic: float, own: bool) -> Facts:
        before = pairing.answered
        facts = pairing.follow(leg, frames.scan(data), monotonic)
        # An answer that a rule rewrote comes twice, as received and as sent.
        if own and before and not facts.action and facts.id == before.id:
            return before._replace(kind=facts.kind)
        return facts

    def _pairing(self, station: str) -> Pairing:
        pairing = self._pairings.get(station)
        if pairing is None:
            if len(self._pairings) >= MOST_STATIONS:
                del self._pairings[next(iter(self._pairings))]
            pairing = self._pairings[station] = Pairing()
        return pairing


def _milliseconds(facts: Facts) -> float | None:
    return None if facts.round_trip is None else round(facts.round_trip * 1000, 1)


def timestamp(wall: float) -> str:
    """ISO 8601 in UTC with milliseconds; `wall` is Unix time."""
    moment = datetime.fromtimestamp(wall, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"
