"""The charger in the event loop: feeds the controller, keeps its books, shows what it decided.

Holds no socket and no driver. `decide` is called each ten seconds and after each command; the
worker asks `desired` and `gate`; pages and MQTT read `board`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from . import auditing, logs, remembering
from .accounting import Accounts, sample_of
from .alarm_sentences import sentence
from .car.link import Result
from .car.link import ResultClass as R
from .clock import Clock, local_time
from .command import Command, Kind
from .commands import Actor
from .control.controller import Controller
from .control.decision import ControllerState, Decision, Desired
from .control.inputs import Inputs, Wishes
from .executor import Executor
from .gate import Gate, gate_of
from .house import House
from .journal import Journal, SettingRow
from .journal.store import Store
from .measurements import BodyState, CarState
from .options import Options
from .options_settings import settings_of
from .settings import Mode, Settings
from .state_document import Facts, state_document, status_record
from .stored_settings import StoredSettings
from .tickets import Tickets
from .two_controllers import ForeignCharger
from .view import View, ViewBoard

log = logs.get("charger")

LOOP_S = 10.0
JUMP_S = 60.0


class Charger:
    """All state between the measurements and the car; event loop's thread only."""

    def __init__(
        self,
        options: Options,
        zone: tzinfo,
        clock: Clock,
        journal: Journal,
        house: House,
        *,
        has_driver: bool,
        wakes_by_itself: bool = False,
        car_mark: str = "",
        settings_changed: Callable[[Settings], Settings] = lambda settings: settings,
    ) -> None:
        """`car_mark` stands for this VIN and key; `settings_changed` may adapt the settings."""
        self.options, self.zone, self.clock = options, zone, clock
        self.journal, self.house = journal, house
        self.board = ViewBoard()
        self.stored = StoredSettings(options, journal.stored_settings)
        self._adapt = settings_changed
        kept = journal.stored_state
        now, wall = clock.now(), clock.wall()
        self.settings = self._settings()
        self.controller = Controller(self.settings, now, remembering.controller(kept, wall))
        self.executor = Executor(now, remembering.executor(kept), wakes_by_itself, has_driver)
        self.executor.rest_until(now + remembering.backoff_s(kept, wall))
        self.accounts = Accounts(kept, self.controller.plug.definite)
        self.foreign = ForeignCharger()
        self.foreign.restore(kept.get("foreign_heard"), now, wall)
        self.tickets = Tickets(remembering.whole(kept, "tickets", 1))
        self.car_mark = car_mark
        self.car_read_mark = str(kept.get("car_read") or "")
        self.unclean = kept.get("running") is True and bool(self.controller.session.ours)
        self.decision: Decision | None = None
        self.next_decision_at: float | None = None
        self.setup: dict[str, Any] = {}
        self.changed = asyncio.Event()
        """Set when the worker has to look again."""
        self.hurry = asyncio.Event()
        """Set when a decision is due at once."""
        self._keeper = remembering.Keeper(journal)
        self._number = 0
        self._withheld = ""
        self._said = ""
        self._wall_offset = wall - now
        self._plugged = self.controller.plug.definite
        house.changed = self.sense
        if journal.damaged:
            self._switch_off()

    def _settings(self) -> Settings:
        overrides = self.stored.overrides()
        return self._adapt(settings_of(self.options, self.zone, overrides))

    def _switch_off(self) -> None:
        """Nobody knows what was chosen: nothing is sent until somebody chooses again."""
        row = self.stored.row("mode", Mode.OFF.value)
        self.journal.put(lambda store: store.save_setting("mode", row))
        self.stored.put("mode", Mode.OFF.value)

    # What holds now.

    @property
    def mode(self) -> Mode:
        """The owner's choice."""
        return self.stored.mode

    @property
    def car_read(self) -> bool:
        """This car has been read with this key, now or in an earlier run."""
        return bool(self.car_mark) and self.car_read_mark == self.car_mark

    @property
    def dry_run(self) -> bool:
        """Only reads, ping and the pairing request go out."""
        return not self.car_read or bool(self.stored.get("dry_run"))

    @property
    def alarms(self) -> tuple[str, ...]:
        """Control's and those of the shell."""
        backoff = self.executor.backoff
        own = {
            "store_unwritable": bool(self.journal.problem),
            "store_damaged": self.journal.damaged,
            "source_refused": bool(self.house.refused),
            "unclean_restart": self.unclean,
            "bluetooth_adapter": backoff.last_class is R.ADAPTER and backoff.in_class >= 3,
            "too_many_connections": backoff.last_class is R.MAX_CONN,
            f"link_{backoff.fault}": bool(backoff.fault),
        }
        control = self.decision.alarms if self.decision is not None else ()
        return (*control, *(name for name, raised in own.items() if raised))

    def inputs(self) -> Inputs:
        """What a step sees."""
        now = self.clock.now()
        wishes = Wishes(self.mode, bool(self.stored.get("enabled")), self.foreign.active(now))
        return Inputs(
            now=now,
            wall=local_time(self.clock, self.zone),
            snapshot=self.house.snapshot,
            settings=self.settings,
            wishes=wishes,
            link=self.executor.facts(now),
        )

    def sense(self) -> None:
        """A source delivered: each sample enters the window, and may ask for a decision at once."""
        if self.controller.sense(self.inputs()):
            self.hurry.set()

    # Deciding.

    def decide(self) -> Decision:
        """One step, its books, its trace in the audit log and the view."""
        self._watch_wall_clock()
        before, now, wall = self.decision, self.clock.now(), self.clock.wall()
        decision = self.controller.step(self.inputs())
        self.decision = decision
        plugged = self.controller.plug.definite
        if plugged is not self._plugged:
            if self._plugged is not None:
                self.tickets.drop_charging("the cable was moved")
                self._forgive()
            self._plugged = plugged
        ended = self.accounts.follow(decision, plugged, now, wall)
        if ended is not None:
            self.journal.put(lambda store: store.add_session(ended))
        entry = auditing.decided(before, decision, wall, now)
        if entry is not None:
            self.journal.audit(entry)
            log.debug("%s: %s", decision.state.value, decision.reason_text)
        self._note_change(before, decision)
        facts = self.facts()
        self.journal.sample(
            sample_of(
                decision, self.house.snapshot, facts.amps, self._soc(), facts.mode_ext.value,
                now, wall,
            )
        )  # fmt: skip
        self._keeper.keep(self, now, wall)
        self.show(facts)
        self.changed.set()
        return decision

    def _forgive(self) -> None:
        """What the car refused for want of cable or power may be asked again with a moved cable."""
        if self.executor.backoff.last_class in (R.NOT_PLUGGED, R.NO_POWER):
            self.executor.rest_until(self.clock.now())

    def _note_change(self, before: Decision | None, after: Decision) -> None:
        if before is None or before.state is not after.state:
            log.info("%s: %s", after.state.value, after.reason_text)
            self._said = ""
        known = before.alarms if before is not None else ()
        for alarm in after.alarms:
            if alarm not in known:
                log.warning("alarm %s: %s", alarm, sentence(alarm))
        if self.unclean and self.car_read and after.observed.car_at is not None:
            self.unclean = False
        seen = after.observed
        charging = True if seen.flowing else False if seen.idle else None
        self.tickets.follow(seen.now, charging=charging, withheld=self._withheld)

    def _watch_wall_clock(self) -> None:
        """A jump moves schedules only, which are worked out from the wall clock at each step."""
        now, wall = self.clock.now(), self.clock.wall()
        jump = wall - now - self._wall_offset
        if abs(jump) > JUMP_S:
            log.notice("the wall clock jumped by %+.0f s; schedules follow it", jump)
            entry = auditing.told(Actor.CONTROLLER, "clock_jump", 0, round(jump), wall, now)
            self.journal.audit(entry)
        self._wall_offset = wall - now

    def desired(self) -> Desired:
        """What the worker works towards; without a store nothing new is started.

        What may be charging goes on being steered, above all downwards.
        """
        assert self.decision is not None
        desired, seen = self.decision.desired, self.decision.observed
        if self.car_mark and not self.car_read and self.decision.state is not ControllerState.FAULT:
            # Going live needs one read, whatever the mode and wherever the plug.
            desired = replace(desired, poll=True)
        if not desired.charge or self.journal.writable:
            return desired
        believed = self.executor.belief.charging if seen.amps is None else False
        if seen.flowing or believed:
            return desired
        amps = desired.amps if believed is None else None
        return replace(desired, charge=None, amps=amps, wake="")

    def gate(self) -> Gate:
        """What the gate is to know at this moment."""
        assert self.decision is not None
        seen = self.decision.observed
        return gate_of(
            self.settings,
            self.mode,
            not self.dry_run,
            seen.plug,
            seen.home,
            seen.amps,
            self.executor.belief.amps,
            seen.car_max,
            self.foreign.active(self.clock.now()),
        )

    # What the worker reports.

    def withheld(self, text: str) -> None:
        """The most urgent command that may not go out; said once per change."""
        if text.endswith(": waits"):
            return
        self._withheld = text
        if text and text != self._said:
            self._said = text
            command, _, why = text.partition(": ")
            log.info("would send %s; %s", command, why)
            entry = auditing.told(
                Actor.CONTROLLER, "withheld", "", command, self.clock.wall(), self.clock.now(), why
            )
            self.journal.audit(entry)

    def intend(self, command: Command) -> None:
        """Note what is about to be sent, so that a power cut leaves no charge without an owner."""
        if command.kind is Kind.START:
            self.journal.keep("intent", {"kind": "start", "wall": self.clock.wall()})

    def carried_out(self, command: Command, result: Result, before: str) -> None:
        """A command's answer."""
        now, wall = self.clock.now(), self.clock.wall()
        if isinstance(result.data, CarState):
            self.house.read_car(result.data)
            self._first_read()
        elif isinstance(result.data, BodyState):
            self.house.read_body(result.data)
        self.tickets.finished(command, result)
        if command.kind not in (Kind.READ_BODY, Kind.READ_CHARGE):
            entry = auditing.carried_out(command, result, self.decision, before, wall, now)
            self.journal.audit(entry)
            if command.kind not in (Kind.PING, Kind.PAIR):
                self.accounts.heard_command()
        self._keeper.keep(self, now, wall, force=True)

    def _first_read(self) -> None:
        if self.car_mark and not self.car_read:
            self.car_read_mark = self.car_mark
            self.journal.keep("car_read", self.car_mark)
            now = "may go live now" if self.dry_run else "is live now"
            log.notice("the car was read for the first time: the app %s", now)

    # Showing.

    def facts(self) -> Facts:
        """For both documents."""
        assert self.decision is not None
        now = self.clock.now()
        backoff = self.executor.backoff
        return Facts(
            now=now,
            wall=self.clock.wall(),
            zone=self.zone,
            snapshot=self.house.snapshot,
            decision=self.decision,
            settings=self.settings,
            link=self.executor.facts(now),
            mode=self.mode,
            enabled=bool(self.stored.get("enabled")),
            takeover=self.controller.takeover,
            dry_run=self.dry_run,
            foreign=self.foreign.active(now),
            ble_fails=backoff.fails,
            ble_backoff_s=backoff.remaining(now),
            relay_streak=backoff.relay_streak,
            energy=self.accounts.energy,
            alarms=self.alarms,
            stored_soc=self.controller.stored_soc,
        )

    def show(self, facts: Facts | None = None) -> None:
        """Swap the view."""
        now = self.clock.now()
        known = facts if facts is not None else self.facts() if self.decision is not None else None
        self._number += 1
        self.board.swap(
            View(
                number=self._number,
                at=now,
                wall=self.clock.wall(),
                snapshot=self.house.snapshot,
                sources=self.house.sources,
                decision=self.decision,
                next_decision_at=self.next_decision_at,
                mode=self.mode,
                takeover_requested=self.controller.takeover,
                document=state_document(known) if known is not None else {},
                record=status_record(known) if known is not None else {},
                foreign_record=self.foreign.shown(now),
                setup={**self.setup, **self._live_setup()},
            )
        )

    def _live_setup(self) -> dict[str, Any]:
        return {
            "car_read": self.car_read,
            "can_go_live": self.car_read and self.dry_run,
            "dry_run_option": self.options.dry_run,
        }

    def _soc(self) -> int | None:
        car = self.decision.observed.car if self.decision is not None else None
        return car.battery_level if car is not None else self.controller.stored_soc

    # Changing.

    async def store(self, changes: Mapping[str, Any]) -> None:
        """Settings, checked before: stored, then in force. Raises JournalError."""
        rows: dict[str, SettingRow] = {
            name: self.stored.row(name, value) for name, value in changes.items()
        }

        def write(store: Store) -> None:
            for name, row in rows.items():
                store.save_setting(name, row)

        await self.journal.write_now(write, lambda: self._take(changes))

    def _take(self, changes: Mapping[str, Any]) -> None:
        """What is stored now is in force."""
        for name, value in changes.items():
            self.stored.put(name, value)
        if "mode" in changes:
            self.journal.damaged = False
            self.tickets.drop_charging("the mode was changed")
        self.settings = self._settings()
        self.hurry.set()
