"""Whose charge is it? From plug edge to plug edge: ours, somebody else's, another car's."""

from __future__ import annotations

from dataclasses import dataclass

from ..measurements import ChargingState, Reading, Snapshot, WallConnector
from ..settings import Takeover
from . import connector_ages
from .decision import Observed
from .inputs import LinkFacts

SELF_START_S = 180.0
START_TO_CURRENT_S = 120.0
CONFIRM_READINGS = 2
MISMATCHES = 3
STOPPED_STATES = (ChargingState.STOPPED, ChargingState.COMPLETE)
CHARGING_STATES = (ChargingState.CHARGING, ChargingState.STARTING, ChargingState.CALIBRATING)


@dataclass(slots=True)
class Session:
    """What is known since the last plug edge; `ours` and `stop_wanted` survive a restart."""

    began_at: float
    """Plug edge, or our own start-up."""
    edge_seen: bool = False
    ours: bool = False
    self_started: bool = False
    external: bool = False
    foreign: bool = False
    mismatches: int = 0
    identified_at: float | None = None
    flow_since: float | None = None
    flowed_at: float = float("-inf")
    """When current was last measured."""
    idled_at: float = float("-inf")
    """When no current was last measured."""
    stop_wanted: str = ""
    stop_since: float | None = None
    idle_readings: int = 0
    idle_seen_at: float = float("-inf")
    car_seen_at: float = float("-inf")
    declined: bool = False
    """A taking-over of the external charge was not wanted: `reassert: false`."""

    def follow(self, seen: Observed, snapshot: Snapshot, link: LinkFacts) -> None:
        """Take the newest readings in: flow, whose it is, foreign car, confirmation of a stop."""
        self._identify(seen)
        self._watch_mismatch(seen, snapshot.twc)
        if seen.flowing:
            self.flowed_at = seen.amps_at
        elif seen.idle:
            self.idled_at = seen.amps_at
        self._confirm_stop(seen, link)
        if not seen.flowing:
            if seen.idle:
                self.flow_since = None
                if self.external:
                    self.external = False
            return
        if self.flow_since is None:
            self.flow_since = seen.amps_at
            self._attribute(link)

    def _identify(self, seen: Observed) -> None:
        read = seen.car_at is not None and seen.car_at >= self.began_at
        if read and self.identified_at is None:
            self.identified_at = seen.now

    def _attribute(self, link: LinkFacts) -> None:
        """A flow begins: by our start, by the car's habit at plug-in, or by somebody else.

        Whether the start is still wanted has no say: it was sent, so its current is ours.
        """
        assert self.flow_since is not None
        if self.ours or self.stop_wanted:
            return
        sent, stopped = link.start_sent_at, link.stop_sent_at
        if sent is not None and sent >= self.began_at and (stopped is None or stopped < sent):
            # Where nobody measures, the first word of its current may come late.
            unmeasured = self.idled_at < sent
            self.ours = unmeasured or self.flow_since - sent <= START_TO_CURRENT_S
        if self.ours:
            return
        if self.edge_seen and self.flow_since - self.began_at <= SELF_START_S:
            self.ours = self.self_started = True
            return
        self.external = True

    def awaits_current(self, link: LinkFacts, now: float) -> bool:
        """A start of ours went out, and neither its current nor an end of it is known yet."""
        sent = link.start_sent_at
        if sent is None or sent < self.began_at or now - sent >= START_TO_CURRENT_S:
            return False
        return self.flowed_at < sent and link.believed_charging is not False

    def want_stop(self, reason: str, now: float) -> None:
        """A stop stays wanted until two readings at or below 0.5 A, or the car, confirm it."""
        if not self.stop_wanted:
            self.stop_since = now
            self.idle_readings = 0
            self.idle_seen_at = now
        self.stop_wanted = reason

    def cancel_stop(self) -> None:
        """MANUAL, EMERGENCY, deadline, tariff and unplug cancel it."""
        self.stop_wanted = ""
        self.stop_since = None
        self.idle_readings = 0

    def adopt(self) -> None:
        """The charge that runs is ours from now on."""
        self.ours = True
        self.external = False
        self.declined = False

    def disown(self) -> None:
        """What runs is somebody else's choice."""
        self.ours = False
        self.self_started = False
        self.external = True
        self.declined = True

    def _confirm_stop(self, seen: Observed, link: LinkFacts) -> None:
        if not self.stop_wanted:
            return
        if self.awaits_current(link, seen.now):
            return  # no current yet says nothing: it may be about to come
        if seen.amps is not None and seen.amps_at > self.idle_seen_at:
            self.idle_seen_at = seen.amps_at
            self.idle_readings = self.idle_readings + 1 if seen.idle else 0
        if self.idle_readings >= CONFIRM_READINGS or self._says_stopped(seen, link):
            self.cancel_stop()
            self.ours = False
            self.self_started = False
            self.flow_since = None

    def _says_stopped(self, seen: Observed, link: LinkFacts) -> bool:
        """The car itself says so after our stop, and no more than a residue is measured."""
        if seen.car is None or seen.car_at is None or self.stop_since is None or seen.flowing:
            return False
        stopped = max(self.stop_since, link.stop_sent_at or self.stop_since)
        return seen.car_at > stopped and seen.car.charging_state in STOPPED_STATES

    def _watch_mismatch(self, seen: Observed, twc: Reading[WallConnector] | None) -> None:
        """Another car on our connector: what it draws is not what our car tells."""
        car, read_at = seen.car, seen.car_at
        if car is None or read_at is None or read_at <= self.car_seen_at:
            return
        if read_at < self.began_at or twc is None or not twc.fresh(seen.now, connector_ages.PLUG_S):
            return
        self.car_seen_at = read_at
        if twc.value.vehicle_connected and car.charging_state is ChargingState.DISCONNECTED:
            self.foreign = True
            return
        if seen.amps is None or car.charging_state is ChargingState.UNKNOWN:
            return
        draws = (car.charger_actual_current or 0.0) >= 1.0
        says = car.charging_state is ChargingState.CHARGING
        settled = seen.flowing and self.flow_since is not None and read_at > self.flow_since + 30
        wrong = (says and draws and seen.idle) or (settled and not says and not draws)
        if car.charging_state in CHARGING_STATES and not says:
            wrong = False
        self.mismatches = self.mismatches + 1 if wrong else 0
        self.foreign = self.mismatches >= MISMATCHES

    def preconditioning(self, seen: Observed) -> bool:
        """The car draws for its cabin or battery: it says that it does not charge."""
        car, read_at = seen.car, seen.car_at
        if car is None or read_at is None or seen.now - read_at > 600.0 or not seen.flowing:
            return False
        if self.flow_since is None or read_at < self.flow_since + 30.0:
            return False
        draws = (car.charger_actual_current or 0.0) >= 1.0
        return draws and car.charging_state in (ChargingState.STOPPED, ChargingState.COMPLETE)

    def may_adopt(self, takeover: Takeover, requested: bool, surplus: bool) -> bool:
        """True where a charge of somebody else shall become ours."""
        if requested or (takeover is Takeover.ALWAYS and not self.declined):
            return True
        return takeover is Takeover.ASK and surplus and not self.declined
