"""Beside another dashboard: its mode is ours, our mode and status go there."""

from __future__ import annotations

from collections.abc import Callable

from . import auditing, logs
from .charger import LOOP_S, Charger
from .commands import Actor
from .journal import JournalError
from .settings import Mode
from .sources.dashboard import Dashboard
from .sources.readings import SourceError

log = logs.get("dashboard")

SHARED = (Mode.SOLAR, Mode.MANUAL)
"""The other one knows no other modes: OFF and MIN_SOLAR stay here until one of these is chosen."""


class DashboardSync:
    """Of two who choose SOLAR or MANUAL the last one wins."""

    def __init__(self, dashboard: Dashboard, charger: Charger) -> None:
        self._dashboard = dashboard
        self._charger = charger
        self._to_send: Mode | None = None
        self._told = ""

    def mode_chosen(self, mode: Mode) -> None:
        """A person chose a mode here."""
        self._to_send = mode if mode in SHARED else None

    async def run(self, beat: Callable[[], None] = lambda: None) -> None:
        """Each ten seconds until cancelled."""
        while True:
            beat()
            await self.turn()
            await self._charger.clock.sleep(LOOP_S)

    async def turn(self) -> None:
        """Send what was chosen here, else take what was chosen there; then our status."""
        try:
            if self._to_send is not None:
                await self._send(self._to_send)
            else:
                await self._take()
            record = self._charger.board.view.record
            if record and not self._charger.foreign.active(self._charger.clock.now()):
                await self._dashboard.post_status(record)
            self._say("")
        except SourceError as error:
            self._say(str(error))

    async def _send(self, mode: Mode) -> None:
        await self._dashboard.set_mode(mode.value)
        if self._to_send is mode:
            self._to_send = None

    async def _take(self) -> None:
        charger = self._charger
        theirs = Mode((await self._dashboard.mode()).mode)
        ours = charger.mode
        # Chosen here while the question was under way: the newer choice counts.
        if self._to_send is not None or ours not in SHARED or theirs is ours:
            return
        try:
            await charger.store({"mode": theirs.value})
        except JournalError:
            return
        clock = charger.clock
        entry = auditing.told(
            Actor.API, "mode", ours.value, theirs.value, clock.wall(), clock.now(),
            "chosen on the other dashboard",
        )  # fmt: skip
        charger.journal.audit(entry)
        log.info("mode %s chosen on the other dashboard", theirs.value)

    def _say(self, problem: str) -> None:
        """Once per change: the last known mode goes on."""
        if problem and problem != self._told:
            log.warning("%s; the last known mode goes on", problem)
        elif self._told and not problem:
            log.notice("the other dashboard answers again")
        self._told = problem
