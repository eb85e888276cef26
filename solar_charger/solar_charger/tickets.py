"""What became of the commands a person gave: numbered, from accepted to done. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from .car.link import Result
from .command import Command, Kind

KEPT = 200
PATIENCE_S = 900.0

KIND_OF = {
    "start": Kind.START,
    "stop": Kind.STOP,
    "normalize": Kind.SET_AMPS,
    "wake": Kind.WAKE,
    "pair": Kind.PAIR,
    "ping": Kind.PING,
}
_OPPOSITE = {"start": "stop", "stop": "start"}


@dataclass(slots=True)
class Ticket:
    """One command; `state` is queued, sent, done or dropped."""

    number: int
    action: str
    given_at: float
    state: str = "queued"
    result_class: str | None = None
    text: str = ""
    duration_s: float | None = None

    @property
    def open(self) -> bool:
        """Not yet done nor dropped."""
        return self.state in ("queued", "sent")


class Tickets:
    """The last 200 commands; a newer one of its kind, or its opposite, drops an older one."""

    def __init__(self, first: int = 1) -> None:
        self.next_number = first
        self._all: OrderedDict[int, Ticket] = OrderedDict()

    def take(self, action: str, now: float) -> int:
        """A number for a command that has been accepted."""
        for ticket in self._all.values():
            if ticket.open and ticket.action in (action, _OPPOSITE.get(action)):
                self._drop(ticket, "a newer command takes its place")
        number, self.next_number = self.next_number, self.next_number + 1
        self._all[number] = Ticket(number, action, now)
        while len(self._all) > KEPT:
            self._all.popitem(last=False)
        return number

    def sent(self, command: Command) -> None:
        """The worker sends this now."""
        for ticket in self._matching(command):
            ticket.state = "sent"

    def finished(self, command: Command, result: Result) -> None:
        """The answer came."""
        for ticket in self._matching(command):
            ticket.state = "done"
            ticket.result_class = result.result_class.value
            ticket.text = result.text
            ticket.duration_s = round(result.duration_s, 1)

    def follow(self, now: float, *, charging: bool | None, withheld: str) -> None:
        """What needs no command any more is done; what nobody could send in time is dropped."""
        for ticket in self._all.values():
            if not ticket.open:
                continue
            reached = charging is not None and ticket.action == ("start" if charging else "stop")
            if reached and ticket.state == "queued":
                ticket.state, ticket.result_class = "done", "OK_ALREADY"
                continue
            if ticket.state == "queued" and withheld:
                ticket.text = withheld
            if now - ticket.given_at > PATIENCE_S:
                self._drop(ticket, ticket.text or "the car was not reached in time")

    def drop_charging(self, why: str) -> None:
        """Plug edge or mode change: start and stop by hand no longer count."""
        for ticket in self._all.values():
            if ticket.open and ticket.action in ("start", "stop", "normalize"):
                self._drop(ticket, why)

    def show(self, number: int) -> dict[str, Any] | None:
        """`state`, `result_class`, `text`, `duration_s`; None for an unknown number."""
        ticket = self._all.get(number)
        if ticket is None:
            return None
        return {
            "id": ticket.number,
            "action": ticket.action,
            "state": ticket.state,
            "result_class": ticket.result_class,
            "text": ticket.text,
            "duration_s": ticket.duration_s,
        }

    def _matching(self, command: Command) -> list[Ticket]:
        found = []
        for ticket in self._all.values():
            fits = KIND_OF[ticket.action] is command.kind
            if ticket.action == "normalize":
                fits = fits and command.normalize
            if ticket.open and fits:
                found.append(ticket)
        return found

    def _drop(self, ticket: Ticket, why: str) -> None:
        ticket.state, ticket.text = "dropped", why
