"""Carries the executor's commands to the car, one at a time, and brings the answers back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random

from . import logs
from .car.link import Result, ResultClass, VehicleLink
from .charger import Charger
from .clock import Clock, happens, local_time
from .command import READS, Command, Kind
from .gate import refusal

log = logs.get("car")

LONGEST_CALL_S = 300.0
"""Drivers have their own, shorter bounds: beyond this one is hung."""
LEAVE_AFTER_S = 4.0
"""A link that is not needed for so long is left: cars take three connections only."""
LONGEST_WAIT_S = 10.0
EXIT_WITHIN_S = 20.0
NOTE_S, NOTE_START_S = 2.0, 10.0
"""So long a command waits for its note on the disk."""


class CarWorker:
    """The only one who talks to the car."""

    def __init__(
        self,
        charger: Charger,
        link: VehicleLink,
        clock: Clock,
        chance: Random,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._charger = charger
        self._link = link
        self._clock = clock
        self._chance = chance
        self._beat = beat
        self._connected = False
        self._busy = asyncio.Lock()

    async def run(self) -> None:
        """Until cancelled."""
        charger = self._charger
        try:
            while True:
                self._beat()
                wait = await self.turn()
                if wait > 0 and await happens(self._clock, charger.changed.wait(), wait):
                    charger.changed.clear()
        finally:
            await self._leave()

    async def turn(self) -> float:
        """Send what is due, if anything; seconds until asking again makes sense."""
        charger, executor = self._charger, self._charger.executor
        decision = charger.decision
        if decision is None:
            return 1.0
        now = self._clock.now()
        self._ask_anew(now)
        answer = executor.next(
            charger.desired(), replace(decision.observed, now=now), charger.gate(), now, self._day()
        )
        charger.withheld(answer.withheld)
        if answer.command is None:
            if answer.at - now > LEAVE_AFTER_S:
                await self._leave()
            return min(LONGEST_WAIT_S, max(0.5, answer.at - now))
        if not await self._noted(answer.command):
            executor.under_way = None
            return LONGEST_WAIT_S
        await self._send(answer.command)
        return 0.0

    def _ask_anew(self, now: float) -> None:
        """A refusal (key, right, set-up) may have been mended outside: ask once its rest is over.

        The body controller answers without key or waking; what follows finds out the rest.
        """
        executor = self._charger.executor
        refused = executor.backoff.fault and executor.backoff.remaining(now) <= 0.0
        if refused and executor.by_hand is None:
            executor.ask(Command(Kind.READ_BODY, by_hand=True, reason="mended meanwhile?"))

    def _day(self) -> int:
        return local_time(self._clock, self._charger.zone).toordinal()

    async def _noted(self, command: Command) -> bool:
        """Write down what is about to happen; a start that cannot be noted is not sent.

        Nothing else waits longer for the disk than a moment.
        """
        self._charger.intend(command)
        starts = command.kind is Kind.START
        seconds = NOTE_START_S if starts else NOTE_S
        return await self._charger.journal.commit_within(seconds) or not starts

    async def _send(self, command: Command) -> None:
        charger, executor = self._charger, self._charger.executor
        charger.tickets.sent(command)
        before = "" if executor.belief.amps is None else str(executor.belief.amps)
        async with self._busy:
            result = await self._call(command)
        executor.finished(result, self._clock.now(), self._chance.random())
        self._log(command, result)
        charger.carried_out(command, result, before)
        if command.by_hand or not result.ok or command.kind not in READS:
            charger.hurry.set()

    async def _call(self, command: Command) -> Result:
        self._connected = True
        begun = self._clock.now()
        try:
            async with asyncio.timeout(LONGEST_CALL_S):
                return await call_of(self._link, command)
        except TimeoutError:
            told = f"the driver did not end within {LONGEST_CALL_S:.0f} s"
            return Result(ResultClass.TIMEOUT, told, LONGEST_CALL_S)
        except Exception as error:
            # A driver must not raise; whatever it was, the car may have heard the command.
            log.exception("the driver %s failed, please report it", self._link.name)
            told = f"driver failed: {type(error).__name__}"
            return Result(ResultClass.UNKNOWN_RESULT, told, self._clock.now() - begun)

    def _log(self, command: Command, result: Result) -> None:
        said = f" ({result.text})" if result.text else ""
        told = f"{command}: {result.result_class.value} in {result.duration_s:.1f} s{said}"
        if command.kind in READS and not command.by_hand:
            log.debug("%s", told)
        elif result.ok:
            log.info("%s", told)
        else:
            log.limited("warning", command.kind.value, result.result_class.value, "%s", told)

    async def _leave(self) -> None:
        if not self._connected:
            return
        self._connected = False
        async with self._busy:
            await self._link.close()

    async def last_words(self, on_exit: str) -> None:
        """At the end of the program: one command if the charge is ours and runs (`on_exit`).

        Call it once `run` has been cancelled; it takes 20 s at most.
        """
        command = self._last_command(on_exit)
        if command is None:
            return
        why = refusal(command, self._charger.gate())
        if why:
            log.notice("at the end %s is not sent; %s", command, why)
            return
        log.info("the charge is ours: %s before leaving", command)
        try:
            async with asyncio.timeout(EXIT_WITHIN_S):
                self._charger.executor.under_way = command
                await self._send(command)
                await self._leave()
        except TimeoutError:
            log.warning("the car did not answer before the end; it keeps its current")

    def _last_command(self, on_exit: str) -> Command | None:
        charger = self._charger
        decision = charger.decision
        if decision is None or charger.dry_run or on_exit == "leave":
            return None
        seen = decision.observed
        runs = seen.flowing or (seen.amps is None and bool(charger.executor.belief.charging))
        if not charger.controller.session.ours or not runs:
            return None
        if on_exit == "stop":
            return Command(Kind.STOP, safety=True, reason="on_exit")
        least = min(charger.settings.min_amps, charger.settings.amps_limit)
        present = seen.amps if seen.amps is not None else charger.executor.belief.amps
        if present is not None and present <= least + 0.5:
            return None
        return Command(Kind.SET_AMPS, least, safety=True, reason="on_exit")


def call_of(link: VehicleLink, command: Command) -> Awaitable[Result]:
    """The driver's method for a command."""
    value = command.value
    if command.kind is Kind.SET_AMPS:
        assert value is not None
        return link.set_amps(value)
    if command.kind is Kind.SET_LIMIT:
        assert value is not None
        return link.set_limit(value)
    plain: dict[Kind, Callable[[], Awaitable[Result]]] = {
        Kind.START: link.start,
        Kind.STOP: link.stop,
        Kind.WAKE: link.wake,
        Kind.READ_BODY: link.read_body,
        Kind.READ_CHARGE: link.read_charge,
        Kind.PING: link.ping,
        Kind.PAIR: link.pair,
    }
    return plain[command.kind]()
