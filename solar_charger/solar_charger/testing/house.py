"""The house and the car behind the fakes: a few figures a test or a demo sets, the rest follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

EFFICIENCY = 0.92


@dataclass
class Car:
    """A Tesla: what it is asked for, what it draws, and how it answers."""

    vin: str = "5YJ3E1EA7KF000316"
    plugged: bool = True
    asleep: bool = False
    charging: bool = False
    soc: float = 65.0
    limit: int = 80
    capacity_kwh: float = 75.0
    request_amps: int = 16
    max_amps: int = 48
    """What its charger takes per phase."""
    pilot_amps: int = 48
    """What the wall connector offers."""
    phases: int = 1
    volts: float = 240.0
    """Phase to neutral, on a split phase line to line."""
    scheduled_pending: bool = False
    preconditioning_w: float = 0.0
    user_present: bool = False
    heard: list[str] = field(default_factory=list)
    """Every command the car heard, in order."""

    @property
    def complete(self) -> bool:
        """At its own limit."""
        return self.soc >= self.limit

    @property
    def amps(self) -> float:
        """Line current it draws per phase."""
        if not self.plugged:
            return 0.0
        wanted = min(self.request_amps, self.max_amps, self.pilot_amps) if self.charging else 0.0
        return wanted + self.preconditioning_w / (self.volts * self.phases)

    @property
    def power_w(self) -> float:
        """Power it draws."""
        return self.amps * self.volts * self.phases

    @property
    def charging_state(self) -> str:
        """The word of `chargingState`."""
        if not self.plugged:
            return "Disconnected"
        if self.charging:
            return "Charging"
        return "Complete" if self.complete else "Stopped"

    def plug(self) -> None:
        """Plug in."""
        self.plugged = True

    def unplug(self) -> None:
        """Unplug, which ends a charge."""
        self.plugged = self.charging = False

    def command(self, word: str, argument: int | None = None) -> str | None:
        """Hear a command; the car's reason if it refuses, else None."""
        self.heard.append(word if argument is None else f"{word} {argument}")
        if word == "charging-set-amps" and argument is not None:
            self.request_amps = argument
            return None
        if word == "charging-set-limit" and argument is not None:
            self.limit = argument
            return None
        if word == "charging-start":
            return self._start()
        if word == "charging-stop":
            return self._stop()
        return None

    def _start(self) -> str | None:
        if not self.plugged:
            return "disconnected"
        if self.charging:
            return "is_charging"
        if self.complete:
            return "complete"
        if self.pilot_amps == 0:
            return "no_power"
        self.charging, self.scheduled_pending = True, False
        return None

    def _stop(self) -> str | None:
        if not self.charging:
            return "not_charging"
        self.charging = False
        return None

    def advance(self, seconds: float) -> None:
        """Let time pass: the battery fills, and the charge ends at the limit."""
        if self.charging:
            energy_kwh = self.amps * self.volts * self.phases * seconds / 3.6e6
            self.soc = min(100.0, self.soc + energy_kwh * EFFICIENCY / self.capacity_kwh * 100)
            if self.complete:
                self.charging = False

    def charge_state(self) -> dict[str, Any]:
        """`state charge` as protobuf JSON."""
        actual = round(self.amps)
        return {
            "chargingState": {self.charging_state: {}},
            "chargeLimitSoc": self.limit,
            "batteryLevel": int(self.soc),
            "usableBatteryLevel": max(0, int(self.soc) - 1),
            "chargerVoltage": round(self.volts) if self.charging else 2,
            "chargerPilotCurrent": self.pilot_amps,
            "chargerActualCurrent": actual,
            "chargerPower": round(self.power_w / 1000),
            "minutesToFullCharge": self._minutes_to(100),
            "minutesToChargeLimit": self._minutes_to(self.limit),
            "chargeRateMph": 20.0 if self.charging else 0.0,
            "chargePortDoorOpen": self.plugged,
            "scheduledChargingPending": self.scheduled_pending,
            "scheduledChargingMode": "ScheduledChargingMode"
            + ("StartAt" if self.scheduled_pending else "Off"),
            "scheduledChargingStartTime": "1770590000",
            "chargeCurrentRequest": self.request_amps,
            "chargeCurrentRequestMax": self.max_amps,
            "chargingAmps": self.request_amps,
            "chargerPhases": self.phases,
            "chargeEnergyAdded": 4.2,
            "userChargeEnableRequest": self.charging,
            "chargeEnableRequest": self.charging,
            "managedChargingActive": False,
            "chargeLimitReason": "ChargeLimitReasonNone",
            "preconditioningEnabled": self.preconditioning_w > 0,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }

    def body_state(self) -> dict[str, Any]:
        """`body-controller-state` as protobuf JSON."""
        port = "OPEN" if self.plugged else "CLOSED"
        return {
            "closureStatuses": {
                "frontDriverDoor": "CLOSURESTATE_CLOSED",
                "chargePort": f"CLOSURESTATE_{port}",
            },
            "vehicleLockState": "VEHICLELOCKSTATE_LOCKED",
            "vehicleSleepStatus": f"VEHICLE_SLEEP_STATUS_{'ASLEEP' if self.asleep else 'AWAKE'}",
            "userPresence": "VEHICLE_USER_PRESENCE_"
            + ("PRESENT" if self.user_present else "NOT_PRESENT"),
        }

    def _minutes_to(self, soc: int) -> int:
        if not self.charging or self.power_w <= 0:
            return 0
        missing_kwh = max(0.0, soc - self.soc) / 100 * self.capacity_kwh / EFFICIENCY
        return round(missing_kwh / self.power_w * 60_000)


@dataclass
class House:
    """Sun, loads, battery and the car on a wall connector. Powers in W, grid + import."""

    pv_w: float = 5200.0
    base_w: float = 450.0
    """Everything but the car."""
    battery_w: float = 0.0
    """House battery, + discharging."""
    battery_soc: float = 50.0
    wiring: str = "split"
    """`single`, `split` (two legs of 120 V) or `three`."""
    car: Car = field(default_factory=Car)
    wall: Callable[[], float] = time.time
    session_wh: float = 0.0

    @property
    def load_w(self) -> float:
        """Whole consumption."""
        return self.base_w + self.car.power_w

    @property
    def grid_w(self) -> float:
        """Power at the grid's edge."""
        return self.load_w - self.pv_w - self.battery_w

    @property
    def legs(self) -> int:
        """Live wires: 1, 2 or 3."""
        return {"single": 1, "split": 2, "three": 3}[self.wiring]

    @property
    def leg_volts(self) -> float:
        """Live wire to neutral."""
        return 120.0 if self.wiring == "split" else 230.0

    def per_leg(self, watts: float) -> list[float]:
        """A power spread evenly over the live wires."""
        return [watts / self.legs] * self.legs

    def grid_amps(self) -> list[float]:
        """Current per live wire at the grid's edge, + import."""
        return [watts / self.leg_volts for watts in self.per_leg(self.grid_w)]

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.session_wh += self.car.power_w * seconds / 3600
        self.car.advance(seconds)
