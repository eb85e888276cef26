"""The simulated car and its cable: request, ramp, taper, limit, sleep, and the app's owner."""

from __future__ import annotations

from dataclasses import dataclass

from ..measurements import CarState, ChargingState, ScheduleMode

START_S = 8
UP_A_S, DOWN_A_S = 2.0, 10.0
EFFICIENCY = 0.92
TAPER_FROM = 90.0
SLEEP_AFTER_S = 900


@dataclass(slots=True)
class Car:
    """State of one car; call `step` once a second."""

    capacity_kwh: float = 75.0
    soc: float = 45.0
    limit: int = 90
    volts: float = 240.0
    phases: int = 1
    max_amps: float = 48.0
    self_limit: float = 80.0
    """A cold battery or a weak cable: what it takes whatever it is asked for."""
    plugged: bool = True
    enabled: bool = False
    """It wants to charge."""
    request: float = 48.0
    amps: float = 0.0
    asleep: bool = False
    schedule_pending: bool = False
    precondition_w: float = 0.0
    ready_at: int = 0
    active_at: int = 0
    complete: bool = False
    starts: int = 0
    stops: int = 0
    added_wh: float = 0.0

    @property
    def watts_per_amp(self) -> float:
        """W per ampere of line current."""
        return self.volts * self.phases

    def step(self, now: int) -> None:
        """One second: current, energy, completion, sleep."""
        if self.amps <= 0.0 and not self.enabled and self.precondition_w <= 0.0:
            if not self.asleep and now - self.active_at >= SLEEP_AFTER_S:
                self.asleep = True
            return
        wanted = self._wanted(now)
        before = self.amps
        if wanted > before:
            self.amps = min(wanted, before + UP_A_S)
        elif wanted < before:
            self.amps = max(wanted, before - DOWN_A_S)
        if before <= 0.0 < self.amps:
            self.starts += 1
        elif before > 0.0 >= self.amps:
            self.stops += 1
        if self.amps > 0.0:
            self._charge(now)
        elif not self.asleep and now - self.active_at >= SLEEP_AFTER_S:
            self.asleep = True

    def _wanted(self, now: int) -> float:
        if not self.plugged:
            return 0.0
        cabin = self.precondition_w / self.watts_per_amp
        if not self.enabled or self.complete or now < self.ready_at:
            return cabin
        wanted = min(self.request, self.max_amps, self.self_limit)
        if self.soc > TAPER_FROM:
            wanted = min(wanted, self.max_amps * (1.0 - 0.07 * (self.soc - TAPER_FROM)))
        return max(wanted, cabin)

    def _charge(self, now: int) -> None:
        self.active_at = now
        if not self.enabled or self.complete:
            return
        watts = max(0.0, self.amps * self.watts_per_amp - self.precondition_w)
        wh = watts / 3600.0
        self.added_wh += wh
        self.soc = min(100.0, self.soc + wh * EFFICIENCY / (self.capacity_kwh * 10.0))
        if self.soc >= self.limit:
            self.complete = True

    def plug(self, now: int, starts: bool) -> None:
        """The cable goes in; most cars begin by themselves."""
        self.plugged, self.complete = True, self.soc >= self.limit
        self.enabled = starts and not self.complete
        self.ready_at = now + START_S
        self.stir(now)

    def unplug(self, now: int) -> None:
        """The cable comes out: the current ends at once."""
        if self.amps > 0.0:
            self.stops += 1
        self.plugged = self.enabled = False
        self.amps = 0.0
        self.stir(now)

    def stir(self, now: int) -> None:
        """Awake, and awake for another quarter of an hour."""
        self.asleep = False
        self.active_at = now

    def start(self, now: int) -> str:
        """Answer to a start: empty for done, else the car's reason."""
        self.stir(now)
        if not self.plugged:
            return "disconnected"
        if self.complete or self.soc >= self.limit:
            self.complete = True
            return "complete"
        if self.enabled:
            return "is_charging"
        self.schedule_pending = False
        self.enabled, self.ready_at = True, now + START_S
        return ""

    def stop(self, now: int) -> str:
        """Answer to a stop."""
        self.stir(now)
        if not self.enabled:
            return "not_charging"
        self.enabled = False
        return ""

    def state(self) -> CarState:
        """What a read would say."""
        return CarState(
            charging_state=self._charging_state(),
            battery_level=int(self.soc),
            usable_battery_level=int(self.soc),
            charge_limit_soc=self.limit,
            charger_voltage=self.volts if self.amps > 0 else 2.0,
            charger_actual_current=round(self.amps) if self.plugged else 0,
            charger_phases=self.phases if self.amps > 0 else None,
            charge_current_request=self.request,
            charge_current_request_max=self.max_amps,
            charging_amps=self.request,
            charge_energy_added=round(self.added_wh / 1000.0, 2),
            scheduled_charging_pending=self.schedule_pending,
            scheduled_charging_mode=(
                ScheduleMode.START_AT if self.schedule_pending else ScheduleMode.OFF
            ),
            charge_enable_request=self.enabled,
        )

    def _charging_state(self) -> ChargingState:
        if not self.plugged:
            return ChargingState.DISCONNECTED
        if self.complete:
            return ChargingState.COMPLETE
        if not self.enabled:
            return ChargingState.STOPPED
        return ChargingState.CHARGING if self.amps > 0 else ChargingState.STARTING
