"""The one function every command ends in, whether it comes from MQTT, HTTP or the page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from . import auditing, logs
from .charger import Charger
from .command import Command, Kind
from .commands import Action, Actor, Answer, Request, accepted, refused, success
from .control.normalization import target
from .house import oldest_age, values_of
from .journal import JournalError
from .measurements import PlugState
from .pairing import Pairing
from .settings import Mode
from .sources.readings import Source as Reader
from .sources.readings import SourceError
from .stored_settings import SettingError, check
from .two_controllers import RecordError

log = logs.get("commands")

TEST_WITHIN_S = 20.0
STORE_STOP_S = 2.0
_UNSTORED = "the store cannot be written, so nothing was changed"
_PASSIVE = "another instance with the same data folder is in charge"
_FOREIGN = "another charger is in control"
ModeChosen = Callable[[Mode], None]


class Commands:
    """Validates, stores, carries out and answers; event loop's thread only."""

    def __init__(
        self,
        charger: Charger,
        pairing: Pairing,
        sources: Mapping[str, Reader],
        *,
        passive: bool = False,
        mode_chosen: ModeChosen = lambda mode: None,
    ) -> None:
        """`mode_chosen` is told of each mode a person chose here."""
        self._charger = charger
        self._pairing = pairing
        self._sources = sources
        self._passive = passive
        self._mode_chosen = mode_chosen
        self._changing = asyncio.Lock()
        self._handlers: dict[Action, Callable[[Any, Actor], Awaitable[Answer]]] = {
            Action.MODE: self._mode,
            Action.SETTINGS: self._settings,
            Action.TAKEOVER: self._takeover,
            Action.LIVE: self._live,
            Action.CHARGE: self._charge,
            Action.PAIRING_KEY: self._pairing_key,
            Action.PAIRING_IMPORT: self._pairing_import,
            Action.PAIRING_REQUEST: self._pairing_request,
            Action.PAIRING_CHECK: self._pairing_check,
            Action.TEST_SOURCE: self._test_source,
            Action.FOREIGN_STATUS: self._foreign_status,
        }

    async def carry_out(self, request: Request) -> Answer:
        """Never raises for a bad request: the answer says what is wrong with it."""
        if self._passive:
            return refused(503, _PASSIVE)
        try:
            answer = await self._handlers[request.action](request.value, request.actor)
        except SettingError as error:
            answer = refused(400, str(error))
        except JournalError:
            answer = refused(503, _UNSTORED)
        if not answer.ok:
            log.limited(
                "warning", request.action.value, request.actor.value, "%s from %s refused: %s",
                request.action.value, request.actor.value, answer.message,
            )  # fmt: skip
        return answer

    def _told(self, actor: Actor, action: str, was: object, becomes: object) -> None:
        clock = self._charger.clock
        entry = auditing.told(actor, action, was, becomes, clock.wall(), clock.now())
        self._charger.journal.audit(entry)
        log.limited("info", action, actor.value, "%s: %s by %s", action, becomes, actor.value)

    async def _mode(self, value: Any, actor: Actor) -> Answer:
        mode = check("mode", value)
        await self._change({"mode": mode}, actor)
        return success(new_mode=mode)

    async def _settings(self, value: Any, actor: Actor) -> Answer:
        if not isinstance(value, Mapping) or not value:
            return refused(400, 'settings are a JSON object like {"max_amps":32}')
        changes = self._charger.stored.check_all(value)
        if "dry_run" in changes:
            why = self._live_refused(not changes["dry_run"])
            if why:
                return refused(409, f"dry_run: {why}")
        await self._change(changes, actor)
        return Answer(200, dict(self._charger.stored.table()))

    async def _change(self, changes: Mapping[str, Any], actor: Actor) -> None:
        """What holds already is left alone: no write, no line, no button taken back.

        One after the other, so that of several who choose at once the last one wins.
        """
        charger = self._charger
        async with self._changing:
            before = {name: charger.stored.get(name) for name in changes}
            made = {name: value for name, value in changes.items() if value != before[name]}
            if charger.journal.damaged and "mode" in changes:
                # Nobody knows what was chosen before, so any choice is a new one.
                made["mode"] = changes["mode"]
            if made:
                await charger.store(made)
            for name, value in made.items():
                self._told(actor, name, before[name], value)
            if "mode" in changes:
                self._mode_chosen(charger.mode)

    async def _takeover(self, value: Any, actor: Actor) -> Answer:
        wanted = value is True
        controller = self._charger.controller
        before, controller.takeover = controller.takeover, wanted
        try:
            await self._remember()
        except JournalError:
            controller.takeover = before
            raise
        self._told(actor, "takeover", before, wanted)
        self._charger.hurry.set()
        return success(message="Solar takeover requested" if wanted else "Takeover flag cleared")

    async def _remember(self) -> None:
        self._keep_memory()
        await self._charger.journal.commit()

    def _keep_memory(self) -> None:
        clock = self._charger.clock
        memory = self._charger.controller.remember(clock.now(), clock.wall())
        self._charger.journal.keep("controller", memory)

    def _live_refused(self, live: bool) -> str:
        if live and not self._charger.car_read:
            return "the car has not been read yet, so nobody knows whether it hears us"
        if not live and not self._charger.options.dry_run:
            return "option dry_run is off; switch it on to go back to a dry run"
        return ""

    async def _live(self, value: Any, actor: Actor) -> Answer:
        if not isinstance(value, bool):
            return refused(400, "live wants true or false")
        why = self._live_refused(value)
        if why:
            return refused(409, why)
        await self._change({"dry_run": not value}, actor)
        return success(dry_run=self._charger.dry_run)

    async def _charge(self, value: Any, actor: Actor) -> Answer:
        if value not in ("start", "stop", "wake", "normalize"):
            return refused(400, "action wants one of start, stop, wake, normalize")
        why = self._charge_refused(value)
        if why:
            return refused(409, why)
        charger = self._charger
        now = charger.clock.now()
        if value == "start":
            charger.controller.press_start()
        elif value == "stop":
            charger.controller.press_stop()
        elif value == "wake":
            charger.executor.ask(Command(Kind.WAKE, by_hand=True, reason="by_hand"))
        elif not charger.controller.press_normalize(charger.inputs()):
            return refused(409, "full current is given back only while the car is unplugged")
        number = charger.tickets.take(value, now)
        self._told(actor, f"{value}_now", "", str(number))
        charger.journal.keep("tickets", charger.tickets.next_number)
        charger.hurry.set()
        charger.changed.set()
        if value == "stop":
            # It goes out whether or not the disk keeps it.
            self._keep_memory()
            await charger.journal.commit_within(STORE_STOP_S)
        else:
            await self._remember()
        return accepted(number)

    def _charge_refused(self, action: str) -> str:
        charger = self._charger
        plug = charger.controller.plug.state
        if charger.dry_run:
            return "dry run: go live first"
        if action != "stop" and charger.foreign.active(charger.clock.now()):
            return _FOREIGN
        if action in ("start", "stop") and plug is PlugState.UNPLUGGED:
            return "the car is not plugged in here"
        if action == "stop":
            return ""
        if charger.mode is Mode.OFF:
            return "mode OFF: nothing but a stop goes out"
        if not charger.stored.get("enabled"):
            return "paused: switch enabled on first"
        if (
            action == "normalize"
            and target(charger.settings, charger.controller.limits.car_max) == 0
        ):
            return "normalize_amps is 0: the current is never touched"
        return ""

    async def _pairing_key(self, value: Any, actor: Actor) -> Answer:
        if value is not None and not isinstance(value, bool):
            return refused(400, "replace wants true or false")
        made = await self._pairing.generate(replace=bool(value))
        return self._paired(actor, "pairing_key", made)

    async def _pairing_import(self, value: Any, actor: Actor) -> Answer:
        return self._paired(actor, "pairing_import", await self._pairing.take_over(value))

    def _paired(self, actor: Actor, action: str, answer: Answer) -> Answer:
        if answer.ok:
            self._told(actor, action, "", "new key")
            self._pairing.into(self._charger)
            self._charger.show()
        return answer

    async def _pairing_request(self, _value: Any, actor: Actor) -> Answer:
        if not self._pairing.offered:
            return self._pairing.not_offered()
        return self._by_hand("pair", Command(Kind.PAIR, by_hand=True), actor)

    async def _pairing_check(self, _value: Any, actor: Actor) -> Answer:
        return self._by_hand("ping", Command(Kind.PING, by_hand=True), actor)

    def _by_hand(self, action: str, command: Command, actor: Actor) -> Answer:
        charger = self._charger
        if not charger.executor.has_driver:
            problem = charger.setup.get("link_problem") or "no way to the car is set up"
            return refused(409, str(problem))
        charger.executor.ask(command)
        number = charger.tickets.take(action, charger.clock.now())
        self._told(actor, action, "", str(number))
        charger.changed.set()
        return accepted(number)

    async def _test_source(self, value: Any, _actor: Actor) -> Answer:
        source = self._sources.get(value) if isinstance(value, str) else None
        if source is None:
            names = ", ".join(self._sources) or "none"
            return refused(404, f"there is no such source (there are: {names})")
        try:
            async with asyncio.timeout(TEST_WITHIN_S):
                readings = await source.test()
            age = oldest_age(readings, self._charger.clock.now())
        except TimeoutError:
            return Answer(200, {"ok": False, "error": f"no answer within {TEST_WITHIN_S:.0f} s"})
        except SourceError as error:
            return Answer(200, {"ok": False, "error": str(error)})
        return Answer(
            200, {"ok": True, "values": dict(values_of(readings)), "age_s": round(age, 1)}
        )

    async def _foreign_status(self, value: Any, actor: Actor) -> Answer:
        charger = self._charger
        try:
            anew = charger.foreign.heard(value, charger.clock.now())
        except RecordError as error:
            return refused(400, str(error))
        if anew:
            self._told(actor, "foreign_charger", "", "in control")
            charger.hurry.set()
        charger.show()
        return success()
