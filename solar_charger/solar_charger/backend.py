"""The event loop's side of the pages: see `dashboard.Backend` for what is promised."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Mapping, Sequence
from typing import Any

from . import masking, state_document
from .carry_out import Commands
from .charger import Charger
from .commands import Answer, Request, refused
from .health import Health
from .journal import Reader
from .logtail import LogTail
from .options import Options
from .view import View

_TOO_SLOW = "the controller does not answer in time"


class LoopBackend:
    """Any thread may call it; before `attach` and after the loop's end every request is refused."""

    def __init__(
        self,
        charger: Charger,
        commands: Commands,
        health: Health,
        options: Options,
        tail: LogTail,
    ) -> None:
        self._charger = charger
        self._commands = commands
        self._health = health
        self._options = options
        self._tail = tail
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader = Reader(charger.journal.path)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop that carries requests out."""
        self._loop = loop

    @property
    def view(self) -> View:
        """What is known now."""
        return self._charger.board.view

    @property
    def journal(self) -> Reader:
        """The stored past."""
        return self._reader

    def newer_than(self, number: int, seconds: float) -> View | None:
        """Wait for a view with a higher number."""
        return self._charger.board.newer_than(number, seconds)

    def submit(self, request: Request, timeout_s: float = 25.0) -> Answer:
        """Carry out in the event loop and wait for the answer."""
        loop = self._loop
        if loop is None or not loop.is_running():
            return refused(503, _TOO_SLOW)
        carried = asyncio.run_coroutine_threadsafe(self._commands.carry_out(request), loop)
        try:
            return carried.result(timeout_s)
        except (TimeoutError, concurrent.futures.CancelledError):
            carried.cancel()
            return refused(503, _TOO_SLOW)

    def _now(self) -> float:
        return self._charger.clock.now()

    def state(self) -> dict[str, Any]:
        """`/api/v1/state`."""
        return state_document.api_state(self.view, self._now())

    def config(self) -> dict[str, Any]:
        """`/api/charging/config`."""
        view, charger = self.view, self._charger
        foreign = charger.foreign.active(self._now())
        return state_document.config_answer(charger.mode, foreign, view.takeover_requested)

    def charger_status(self) -> dict[str, Any] | None:
        """`/api/charger_status`."""
        foreign = self._charger.foreign.shown(self._now())
        record = foreign if foreign is not None else self.view.record
        return dict(record) or None

    def envoy_data(self) -> dict[str, Any] | None:
        """`/api/envoy_data`."""
        return state_document.envoy_answer(self._fresh(), self._now())

    def twc_connected(self) -> dict[str, Any] | None:
        """`/api/twc/vehicle_connected`."""
        return state_document.connected_answer(self._fresh(), self._now())

    def twc_status(self) -> dict[str, Any] | None:
        """`/api/twc/status`."""
        return state_document.twc_answer(self._fresh(), self._now())

    def _fresh(self) -> View:
        """The view with the newest readings: a decision may be ten seconds away."""
        view = self.view
        return View(
            number=view.number, at=view.at, wall=view.wall, snapshot=self._charger.house.snapshot,
            decision=view.decision,
        )  # fmt: skip

    def settings(self) -> Mapping[str, dict[str, Any]]:
        """All settings with their origin."""
        return self._charger.stored.table()

    def command(self, number: int) -> dict[str, Any] | None:
        """What became of a command."""
        return self._charger.tickets.show(number)

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Whether this program is well."""
        return self._health.report()

    def options_masked(self) -> dict[str, Any]:
        """The options without secrets."""
        masked: dict[str, Any] = masking.record(self._options.model_dump(mode="json"))
        return masked

    def log_lines(self) -> Sequence[str]:
        """The last log lines."""
        return self._tail.lines()
