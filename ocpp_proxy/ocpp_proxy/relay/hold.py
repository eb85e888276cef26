"""The charger's CALLs while upstream is away: which are answered in its place, which wait."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ..frames import answer_to
from .backlog import Backlog
from .calls import ONLY_INFORMS, OpenCall
from .memory import timestamp

MAX_UNANSWERED: Final = 16
FIRST_PLAUSIBLE_YEAR: Final = 2025


def hold(call: OpenCall, backlog: Backlog, now: datetime) -> bytes | None:
    """Queue what upstream has to learn later; returns the answer the charger gets meanwhile.

    Only what informs is answered. For anything else, Authorize and the transactions above all, no
    answer is ever made up: it belongs to the central system.

    The latest StatusNotification is in the station's memory and Heartbeat is worth nothing later,
    so neither is queued. While the clock is plainly wrong (a Pi boots in 1970) the time is not
    given to the charger: its Heartbeat waits.
    """
    if call.action == "Heartbeat" and now.year >= FIRST_PLAUSIBLE_YEAR:
        return answer_to(call.data, {"currentTime": timestamp(now)})
    if call.action == "StatusNotification":
        return answer_to(call.data, b"{}")
    call.answered = call.action in ONLY_INFORMS and call.action != "Heartbeat"
    backlog.add(call)
    return answer_to(call.data, b"{}") if call.answered else None


def hold_again(call: OpenCall, backlog: Backlog, now: datetime) -> bytes | None:
    """The same for a CALL that was on its way when upstream was lost."""
    if call.answered:
        backlog.add(call)
        return None
    return hold(call, backlog, now)
