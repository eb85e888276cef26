"""Follows the messages of one session: which answer belongs to which CALL, and the log lines."""

from __future__ import annotations

import logging
import re
from typing import Any

from . import frames, logs, masking, messages
from .pairing import MOST_OPEN, Facts, Pairing
from .relay.events import Leg as Side

log = logs.get()

# More than this is not looked into for a log line.
LARGEST_NOTED = 8192
SLOW = 5.0

_NOTED = frozenset(
    {"BootNotification", "StatusNotification", "StartTransaction", "StopTransaction"}
)
_NEGATIVE = re.compile(rb'"(?:Rejected|NotSupported|NotImplemented|Blocked|Invalid)"')


class Trail:
    """The open CALLs of both directions and the last status of each connector."""

    __slots__ = ("_mask", "_pairing", "_statuses", "station_id")

    def __init__(self, station_id: str, *, mask_id_tags: bool = True) -> None:
        self.station_id = station_id
        self._mask = mask_id_tags
        self._pairing = Pairing()
        self._statuses: dict[str, str] = {}

    def follow(
        self, source: Side, head: frames.Head | None, data: bytes, now: float, *, own: bool = False
    ) -> None:
        """Take note of a message from one leg at `now` (monotonic), write what is logged."""
        each = log.isEnabledFor(logging.DEBUG)
        if head is not None and head.kind == frames.CALL:
            if not each and head.action not in _NOTED:
                # Most messages are such: only their answers may be worth a line.
                self._pairing.asked(source, head, now)
                return
            if head.action in _NOTED and len(data) <= LARGEST_NOTED:
                self._note_call(head.action, data)
        facts = self._pairing.follow(source, head, now)
        if facts.kind != frames.CALL:
            self._note_answer(facts, source, data)
        if each:
            self._log(facts, source, data, own)

    def _log(self, facts: Facts, source: Side, data: bytes, own: bool) -> None:
        arrow = "→" if source is Side.CHARGER else "←"
        took = "" if facts.round_trip is None else f" {facts.round_trip * 1000:.1f} ms"
        log.debug(
            "%s %s %s %s %s %d B%s%s", self.station_id, arrow, facts.kind_name, facts.action or "?",
            facts.id or "-", len(data), took, " (proxy)" if own else "",
        )  # fmt: skip
        if log.isEnabledFor(logs.TRACE):
            log.trace("%s %s %s", self.station_id, arrow, self.shown(data))

    def shown(self, data: bytes) -> str:
        """A payload for people: at most 2 kB, without credentials, tags shortened if so wished."""
        return messages.masked(data, id_tags=self._mask)

    # What a person wants to read at level info.

    def _note_call(self, action: str, data: bytes) -> None:
        payload = frames.payload_of(data)
        station = self.station_id
        if action == "BootNotification":
            log.info("%s boots: %s", station, _joined(payload, _BOOT))
        elif action == "StatusNotification":
            self._note_status(payload)
        elif action == "StartTransaction":
            log.info(
                "%s starts a transaction: %s, idTag %s", station,
                _joined(payload, ("connectorId", "meterStart")), self._tag(payload),
            )  # fmt: skip
        else:
            log.info(
                "%s stops a transaction: %s", station,
                _joined(payload, ("transactionId", "meterStop", "reason")),
            )  # fmt: skip

    def _note_status(self, payload: dict[str, Any]) -> None:
        connector = str(payload.get("connectorId", "?"))[:6]
        said = _joined(payload, ("status", "errorCode", "info"))
        if self._statuses.pop(connector, None) != said:
            log.info("%s connector %s: %s", self.station_id, connector, said)
        if len(self._statuses) < MOST_OPEN:
            self._statuses[connector] = said

    def _note_answer(self, facts: Facts, source: Side, data: bytes) -> None:
        if not facts.action:
            return
        if facts.kind == 4:
            log.info(
                "%s: %s answers %s with CALLERROR %s", self.station_id, source.value, facts.action,
                logs.cut(self.shown(data), 300),
            )  # fmt: skip
        elif len(data) <= LARGEST_NOTED and _NEGATIVE.search(data):
            log.info(
                "%s: %s answers %s with %s", self.station_id, source.value, facts.action,
                logs.cut(self.shown(data), 300),
            )  # fmt: skip
        if facts.round_trip is not None and facts.round_trip > SLOW:
            log.info(
                "%s: %s took %.1f s to answer %s", self.station_id, source.value, facts.round_trip,
                facts.action,
            )  # fmt: skip

    def _tag(self, payload: dict[str, Any]) -> str:
        tag = str(payload.get("idTag", ""))
        return masking.id_tag(tag) if self._mask else tag


_BOOT = (
    "chargePointVendor", "chargePointModel", "chargePointSerialNumber", "chargeBoxSerialNumber",
    "firmwareVersion",
)  # fmt: skip


def _joined(payload: dict[str, Any], names: tuple[str, ...]) -> str:
    found = [f"{name} {str(payload[name])[:64]}" for name in names if payload.get(name) is not None]
    return ", ".join(found) or "no details"
