"""A household for the tests of control: set what is measured, let time pass, look at decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from solar_charger.control.controller import Controller
from solar_charger.control.decision import Decision
from solar_charger.control.inputs import Inputs, LinkFacts, Wishes
from solar_charger.measurements import (
    BodyState,
    CarState,
    ChargingState,
    Reading,
    SleepStatus,
    Snapshot,
    WallConnector,
)
from solar_charger.settings import Mode, Settings

NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)
VOLTS = 240.0


def quiet_settings(**changes: Any) -> Settings:
    """One phase of 240 V, no emergency, nothing else switched on."""
    base = Settings(voltage=240, phases=1, emergency_soc=0)
    return replace(base, **changes)


class Household:
    """Readings arrive each 5 s while they are `alive`; a decision is taken each 10 s."""

    def __init__(self, settings: Settings | None = None, wall: datetime = NOON, **stored: Any):
        self.settings = settings if settings is not None else quiet_settings()
        self.now = 50_000.0
        self.wall = wall
        self.wishes = Wishes()
        self.link = LinkFacts(last_contact=self.now)
        self.controller = Controller(self.settings, self.now, stored or None)
        self.free_w: float | None = 0.0
        """Sun minus house; None: the meter is silent."""
        self.production_w: float | None = 5000.0
        self.amps: float | None = 0.0
        """What the connector measures; None: it does not tell."""
        self.plugged: bool | None = True
        self.twc_alive = True
        self.car: CarState | None = None
        self.asleep: bool | None = None
        self.extra: dict[str, Any] = {}
        self.readings: dict[str, Any] = {}
        self.decision: Decision | None = None

    def read_car(self, **fields: Any) -> None:
        """A successful read of the car, now."""
        told = {
            "charging_state": ChargingState.STOPPED,
            "battery_level": 60,
            "charge_limit_soc": 80,
            "charge_current_request_max": 48,
            **fields,
        }
        self.car = CarState(**told)
        self.readings["car"] = Reading(self.car, self.now, "car")

    def tell_sleep(self, asleep: bool) -> None:
        """The body controller's answer."""
        word = SleepStatus.ASLEEP if asleep else SleepStatus.AWAKE
        self.readings["body"] = Reading(BodyState(sleep=word), self.now, "car")

    def _measure(self) -> None:
        now = self.now
        if self.twc_alive:
            closed = None if self.amps is None else self.amps > 0
            three = self.settings.phases == 3
            volts = float(self.settings.voltage or VOLTS) if self.amps else 2.0
            vitals = WallConnector(
                vehicle_connected=self.plugged,
                contactor_closed=closed,
                vehicle_current_a=self.amps,
                grid_v=VOLTS,
                current_a=(self.amps,) * 3 if three else (self.amps, 0.0, 0.0),
                voltage_v=(volts,) * 3 if three else (volts, 2.0, 2.0),
            )
            self.readings["twc"] = Reading(vitals, now, "twc")
        if self.free_w is not None:
            own = (
                (self.amps or 0.0) * (self.settings.voltage or VOLTS) * (self.settings.phases or 1)
            )
            self.readings["grid_w"] = Reading(own - self.free_w, now, "meter")
        if self.production_w is not None:
            self.readings["production_w"] = Reading(self.production_w, now, "meter")

    def inputs(self) -> Inputs:
        """What the controller would see now."""
        return Inputs(
            now=self.now,
            wall=self.wall,
            snapshot=Snapshot(**{**self.readings, **self.extra}),
            settings=self.settings,
            wishes=self.wishes,
            link=self.link,
        )

    def step(self) -> Decision:
        """A decision with the readings as they are."""
        self.decision = self.controller.step(self.inputs())
        return self.decision

    def run(self, seconds: int, follow: bool = False) -> Decision:
        """Time passes. With `follow` the car obeys each decision within the same step."""
        for _ in range(seconds // 5):
            self.now += 5.0
            self.wall += timedelta(seconds=5)
            self._measure()
            if self.now % 10 < 5:
                decision = self.step()
                if follow:
                    self.obey(decision)
            else:
                self.controller.sense(self.inputs())
        assert self.decision is not None
        return self.decision

    def obey(self, decision: Decision) -> None:
        """The car does at once what is desired, and the link says so."""
        wanted, link = decision.desired, self.link
        if wanted.charge is True and wanted.amps is not None:
            if not self.amps:
                link = replace(link, start_sent_at=self.now, believed_charging=True)
            if link.accepted_amps != wanted.amps:
                link = replace(link, accepted_amps=wanted.amps, accepted_at=self.now)
            self.amps = float(wanted.amps)
        elif wanted.charge is False and self.amps:
            self.amps = 0.0
            link = replace(link, stop_sent_at=self.now, believed_charging=False)
        self.link = link

    def switch(self, mode: Mode) -> None:
        """The owner chooses a mode."""
        self.wishes = replace(self.wishes, mode=mode)


def charging(free_w: float = 4900.0, **settings: Any) -> Household:
    """A household whose car has charged from the sun for ten minutes."""
    house = Household(quiet_settings(**settings))
    house.free_w = free_w
    house.run(10)
    house.read_car()
    house.run(600, follow=True)
    assert house.amps, "the charge should run by now"
    return house
