"""What control decides, and the words it says it with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..measurements import CarState, PlugState


class ControllerState(StrEnum):
    """The controller's situation in one word."""

    OFF = "off"
    UNKNOWN_PLUG = "unknown_plug"
    AWAY = "away"
    IDENTIFY = "identify"
    FOREIGN = "foreign"
    MANUAL = "manual"
    EMERGENCY = "emergency"
    DEADLINE = "deadline"
    TARIFF = "tariff"
    EXTERNAL = "external"
    COMPLETE = "complete"
    SCHEDULED = "scheduled"
    NIGHT = "night"
    STALE = "stale"
    FUSE_WAIT = "fuse_wait"
    PAUSED = "paused"
    STARTING = "starting"
    CHARGING = "charging"
    STOPPING = "stopping"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Desired:
    """What the car should do; the executor works towards it, newer ones replace older ones."""

    charge: bool | None = None
    """True: run; False: be stopped; None: leave it as it is."""
    amps: int | None = None
    """Current to ask for; None: leave it."""
    limit: int | None = None
    """Charge limit to write, %; None: leave it."""
    wake: str = ""
    """Why the car may be woken; empty: it may not."""
    read: bool = False
    """A fresh charge state is needed before anything else can be decided."""
    poll: bool = True
    """Regular reads are welcome while the car is awake."""
    safety: bool = False
    """A stop or lowering that protects a fuse or circuit: shorter gaps, shorter backoff."""
    normalize: bool = False
    """`amps` is the current left behind at unplug, allowed only while unplugged."""
    epoch: int = 0
    """Changes at each plug edge and mode change: counters of failed starts begin anew."""
    assertion: int = 0
    """Changes when a current the car does not follow shall be asked for again."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is believed of car and cable in this moment, derived once for everybody."""

    now: float
    plug: PlugState = PlugState.UNKNOWN
    home: bool = False
    """Proof good enough to start or raise."""
    amps: float | None = None
    """Measured line current; None: nobody measures it now."""
    amps_at: float = 0.0
    own_w: float | None = None
    car: CarState | None = None
    car_at: float | None = None
    car_max: int | None = None
    """The car's own highest request, A."""
    asleep: bool | None = None
    volts: float = 230.0
    phases: int = 1

    @property
    def watts_per_amp(self) -> float:
        """W that one ampere of request stands for."""
        return self.volts * self.phases

    @property
    def flowing(self) -> bool:
        """True where at least 1 A is measured."""
        return self.amps is not None and self.amps >= 1.0

    @property
    def idle(self) -> bool:
        """True where measurably no charge runs (at most 0.5 A)."""
        return self.amps is not None and self.amps <= 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's answer before the limits of circuit and fuse are laid over it."""

    state: ControllerState
    reason: str
    text: str
    charge: bool | None = None
    amps: int | None = None
    wake: str = ""
    read: bool = False
    poll: bool = True
    limit: int | None = None
    normalize: bool = False
    safety: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole answer of one step."""

    desired: Desired
    state: ControllerState
    mode: str
    """SOLAR, MANUAL, NIGHT, EMERGENCY or AWAY, the words of the older status record."""
    reason: str
    reason_text: str
    target_amps: int
    observed: Observed
    available_w: float | None = None
    grid_w: float | None = None
    production_w: float | None = None
    grid_charge_warning_amps: float | None = None
    pending_normalization: bool = False
    stale: bool = False
    alarms: tuple[str, ...] = ()
    starts_today: int = 0
    deadline_state: str = ""
    """`on_track`, `late`, `done`, `impossible`, or empty without a deadline."""
    eta_s: float | None = None
    """Seconds until the deadline's target, else the car's limit, is reached."""
