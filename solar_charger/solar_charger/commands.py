"""What can be asked for, by whom, and how it is answered; `carry_out.Commands` does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Actor(StrEnum):
    """Who did it, in the audit log's words."""

    CONTROLLER = "controller"
    UI = "ui"
    MQTT = "mqtt"
    API = "api"
    SAFETY = "safety"


class Action(StrEnum):
    """What can be asked for."""

    MODE = "mode"
    SETTINGS = "settings"
    TAKEOVER = "takeover"
    LIVE = "live"
    CHARGE = "charge"
    PAIRING_KEY = "pairing_key"
    PAIRING_IMPORT = "pairing_import"
    PAIRING_REQUEST = "pairing_request"
    PAIRING_CHECK = "pairing_check"
    TEST_SOURCE = "test_source"
    FOREIGN_STATUS = "foreign_status"


@dataclass(frozen=True, slots=True)
class Request:
    """A wish; `value` is unchecked, as it came."""

    action: Action
    value: Any
    actor: Actor


@dataclass(frozen=True, slots=True)
class Answer:
    """HTTP status and JSON body."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        """Why it was refused."""
        return str(self.body.get("message", ""))


def success(status: int = 200, **body: Any) -> Answer:
    """`{"status":"success", …}`."""
    return Answer(status, {"status": "success", **body})


def refused(status: int, message: str) -> Answer:
    """`{"status":"error","message":…}`."""
    return Answer(status, {"status": "error", "message": message})


def accepted(number: int) -> Answer:
    """202: under way, to be asked for at `commands/<id>`."""
    return Answer(202, {"status": "accepted", "id": number})
