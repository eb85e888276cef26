"""How real wallboxes differ from the book: one switch each, and presets of devices seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

ALL_UNITS = frozenset({"A", "W"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """Switches of a simulated wallbox; the defaults are a well-behaved one. Times in seconds."""

    # Handshake
    target: str = "/{id}"  # raw request target, sent byte for byte
    subprotocol_headers: tuple[str, ...] = ("ocpp1.6",)  # () = none, ("",) = an empty one
    extra_headers: tuple[tuple[str, str], ...] = ()
    no_connection_header: bool = False
    password: str | bytes | None = None  # HTTP Basic, user name = station id

    # Connection
    answers_pings: bool = True
    pings_every: float | None = None  # until WebSocketPingInterval is set
    closes_when_idle: float | None = None  # with 1001, after no incoming frame for so long
    reconnect_delays: tuple[float, ...] = (1, 2, 5, 10, 30)  # the last one repeats; () = never
    drops_link_after_errors: int | None = None  # CALLERRORs

    # What it sends unasked
    boot: Mapping[str, str] = field(
        default_factory=lambda: {
            "chargePointVendor": "Example",
            "chargePointModel": "Plain 22",
            "chargePointSerialNumber": "PL-0001",
            "firmwareVersion": "1.0.0",
        }
    )
    connectors: int = 1
    boot_on_reconnect: bool = True
    boots_twice: bool = False
    status_on_reconnect: bool = True
    silent: bool = False  # answers, but sends nothing unasked after its first start-up
    heartbeat_every: float | None = None  # None = as the boot answer says
    firmware_status_every: float | None = None
    keeps_history: bool = False  # MeterValues of an outage are sent afterwards
    one_open_call: bool = True
    call_timeout: float = 30.0
    ignores_pending: bool = False  # sends everything although its boot was answered Pending

    # How it answers
    ignores: frozenset[str] = frozenset()  # actions it never answers
    not_implemented: frozenset[str] = frozenset()  # actions it answers with a CALLERROR
    answer_delay: float = 0.0
    slow_answers: Mapping[str, float] = field(default_factory=dict)  # delay by action
    extra_result_members: bool = False
    call_error_elements: int = 5
    restarts_on_early_command: bool = False  # a CALL before the boot answer makes it boot again
    reboots_on_change_availability: bool = False

    # How it writes
    zero_timestamps: bool = False
    timestamps_without_zone: bool = False
    numeric_ids: bool = False
    number_values: bool = False  # 230.1 instead of "230.1"
    empty_values: bool = False
    stray_comma: bool = False  # "sampledValue":[,{…
    truncates: frozenset[str] = frozenset()  # actions whose message lacks its last two characters
    trailing_nul: bool = False
    nul_in_strings: bool = False
    binary_frames: bool = False

    # Power
    phase_values_only: bool = False  # power and current per phase and nothing else
    limit_units: frozenset[str] = ALL_UNITS
    watts_per_amp: float = 690.0  # three phases
    ignores_zero_limit: bool = False
    configuration: Mapping[str, str] = field(default_factory=dict)  # besides the usual keys

    def stamp(self, now: datetime) -> str:
        """A point in time as this box writes it; whole seconds, as most firmware has."""
        if self.zero_timestamps:
            return "0000-00-00T00:00:00.000Z"
        text = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000")
        return text if self.timestamps_without_zone else text + "Z"


PLAIN = Quirks()

# AcTec EV-AC22K, firmware V1.17.9 (SensorsIot/Wallbox-EVCC-Proxy: Actec_errors.md).
ACTEC = Quirks(
    target="//{id}",
    boot={
        "chargePointVendor": "AcTEC",
        "chargePointModel": "EV-AC22K",
        "chargePointSerialNumber": "EVA022K0001",
        "firmwareVersion": "V1.17.9",
    },
    boot_on_reconnect=False,
    boots_twice=True,
    status_on_reconnect=False,
    heartbeat_every=60.0,
    ignores=frozenset({"ChangeAvailability", "GetConfiguration", "TriggerMessage"}),
    firmware_status_every=10.0,
    drops_link_after_errors=4,
    extra_result_members=True,
    phase_values_only=True,
    limit_units=frozenset({"W"}),
    ignores_zero_limit=True,
)

# Answers CALLs, sends nothing unasked: the hardest case when the central system restarts.
SILENT = Quirks(boot_on_reconnect=False, status_on_reconnect=False, silent=True)

# Grizzl-E Smart: asks for "/", names no subprotocol, odd Origin (lbbrhzn/ocpp#442).
GRIZZL_E = Quirks(
    target="/",
    subprotocol_headers=(),
    extra_headers=(("Origin", "http://grizzl-e"),),
    boot={"chargePointVendor": "United Chargers", "chargePointModel": "Grizzl-E Smart"},
    truncates=frozenset({"GetConfiguration"}),
)

# ZJ Beny: "///charger" and a stray comma in sampledValue (lbbrhzn/ocpp#1078).
BENY = Quirks(
    target="///{id}",
    stray_comma=True,
    boot={"chargePointVendor": "ZJ Beny", "chargePointModel": "BCP-A2N-P"},
)

# Growatt THOR: timestamps without zone (evcc-io/evcc#10399).
THOR = Quirks(
    timestamps_without_zone=True,
    boot={"chargePointVendor": "Growatt", "chargePointModel": "THOR 11AS-S"},
)

# Mennekes AMTRON 4You: late answers, no boot on reconnect (evcc-io/evcc#32236).
MENNEKES = Quirks(
    answer_delay=2.0,
    boot_on_reconnect=False,
    boot={"chargePointVendor": "MENNEKES", "chargePointModel": "AMTRON 4You 500"},
)

# BS-EV22: leaves with 1001 after about 110 s without incoming traffic (lbbrhzn/ocpp#2030).
BS_EV22 = Quirks(
    closes_when_idle=110.0,
    boot={"chargePointVendor": "BS", "chargePointModel": "BS-EV22"},
)

# EN+ AC7000: answers no pings (lbbrhzn/ocpp#211).
EN_PLUS = Quirks(
    answers_pings=False,
    reboots_on_change_availability=True,
    boot={"chargePointVendor": "EN+", "chargePointModel": "AC7000"},
)

PRESETS: Mapping[str, Quirks] = {
    "plain": PLAIN,
    "actec": ACTEC,
    "silent": SILENT,
    "grizzl-e": GRIZZL_E,
    "beny": BENY,
    "thor": THOR,
    "mennekes": MENNEKES,
    "bs-ev22": BS_EV22,
    "en-plus": EN_PLUS,
}
