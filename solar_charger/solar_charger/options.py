"""Every option of the options file: names, defaults and limits equal `config.yaml`.

An empty string means "not set". What cannot be used raises OptionError, unknown names are
returned as warnings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from . import option_texts
from .errors import OptionError
from .option_faults import explained

LogLevel = Literal["trace", "debug", "info", "notice", "warning", "error", "fatal"]
Link = Literal["python_ble", "relay", "tesla_control", "proxy_http", "ha_entities", "simulated"]
Source = Literal[
    "envoy", "fronius", "solaredge", "home_assistant", "mqtt", "dashboard", "simulated"
]
Role = Literal[
    "grid", "import", "export", "production", "battery_power", "battery_soc", "amps_a", "amps_b",
    "amps_c", "plug", "home", "islanded", "car_soc", "car_state", "car_amps", "car_limit",
]  # fmt: skip

Text = Annotated[str, AfterValidator(option_texts.text)]
Host = Annotated[str, AfterValidator(option_texts.host)]
Url = Annotated[str, AfterValidator(option_texts.url)]
Entity = Annotated[str, AfterValidator(option_texts.entity)]
Clock = Annotated[str, AfterValidator(option_texts.clock)]
Secret = Annotated[Text | None, Field(repr=False)]
HeaderText = Annotated[str, AfterValidator(option_texts.header)]
HeaderSecret = Annotated[HeaderText | None, Field(repr=False)]


class SensorOptions(BaseModel):
    """One row of `sensors`."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, allow_inf_nan=False
    )

    role: Role
    origin: Annotated[str, AfterValidator(option_texts.origin)] = Field(alias="from")
    invert: bool = False
    scale: float = 1.0
    max_age: int = Field(90, ge=5, le=86400)


class TariffOptions(BaseModel):
    """One row of `tariff`."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    start: Clock
    end: Clock
    price: float


class Options(BaseModel):
    """The options file, read once at the start. W, A, s, %, kWh; prices per kWh."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    vin: Annotated[str, AfterValidator(option_texts.vin)] | None = None
    dry_run: bool = True
    initial_mode: Literal["OFF", "SOLAR", "MIN_SOLAR", "MANUAL"] = "SOLAR"
    vehicle_link: Link = "python_ble"
    relay_url: Url | None = None
    relay_api_key: HeaderSecret = None
    ble_adapter: Text | None = None
    key_file: Annotated[str, AfterValidator(option_texts.kept_file)] = "private.pem"
    tesla_control_path: Text = "tesla-control"
    car_amps_entity: Entity | None = None
    car_charge_entity: Entity | None = None
    car_wake_entity: Entity | None = None
    car_limit_entity: Entity | None = None
    source: Source = "envoy"
    sensors: tuple[SensorOptions, ...] = ()
    envoy_host: Host | None = None
    envoy_token: Secret = None
    envoy_username: Text | None = None
    envoy_password: Secret = None
    envoy_stream: bool = False
    inverter_host: Host | None = None
    inverter_unit: int = Field(1, ge=1, le=247)
    poll_s: int = Field(5, ge=2, le=60)
    twc_host: Host | None = None
    twc_kind: Literal["gen3", "gen2"] = "gen3"
    dashboard_url: Url | None = None
    wiring: Literal["auto", "single", "split", "three"] = "auto"
    phases: Literal["auto", "1", "2", "3"] = "auto"
    phase_map: Literal["abc", "acb", "bac", "bca", "cab", "cba"] = "abc"
    voltage: int | None = Field(None, ge=100, le=260)
    max_amps: int = Field(48, ge=1, le=80)
    min_amps: int = Field(5, ge=1, le=16)
    circuit_amps: int = Field(0, ge=0, le=80)
    breaker_amps: int = Field(0, ge=0, le=100)
    main_fuse_amps: int = Field(0, ge=0, le=200)
    fuse_safety: float = Field(0.9, ge=0.5, le=1)
    balanced: bool = False
    fallback_amps: int | None = Field(None, ge=0, le=80)
    offgrid_amps: int = Field(0, ge=0, le=80)
    start_w: int | None = Field(None, ge=0, le=20000)
    seasonal_start_w: tuple[Annotated[int, Field(ge=0, le=20000)], ...] = ()
    margin_w: int = Field(100, ge=0, le=2000)
    fast_drop_w: int = Field(3000, ge=500, le=20000)
    enable_delay: int = Field(60, ge=0, le=3600)
    disable_delay: int = Field(0, ge=0, le=3600)
    min_on: int = Field(300, ge=0, le=3600)
    min_off: int = Field(300, ge=0, le=3600)
    max_starts: int = Field(12, ge=1, le=50)
    import_budget_wh: int = Field(100, ge=0, le=5000)
    night_w: int = Field(100, ge=0, le=5000)
    night_s: int = Field(600, ge=60, le=7200)
    min_solar_night: bool = False
    emergency_soc: int = Field(50, ge=0, le=90)
    target_soc: int = Field(80, ge=50, le=100)
    enforce_limit: bool = False
    deadline: Clock | None = None
    deadline_soc: int = Field(80, ge=1, le=100)
    capacity_kwh: float = Field(75, ge=10, le=250)
    deadline_days: Annotated[str, AfterValidator(option_texts.days)] = "1111111"
    tariff: tuple[TariffOptions, ...] = ()
    tariff_entity: Entity | None = None
    tariff_price_max: float | None = None
    grid_price: float = Field(0.30, ge=0, le=10)
    feed_in_price: float = Field(0.08, ge=0, le=10)
    battery_policy: Literal["car_first", "battery_first", "buffer"] = "battery_first"
    priority_soc: int = Field(100, ge=0, le=101)
    buffer_soc: int = Field(101, ge=0, le=101)
    buffer_start_soc: int = Field(101, ge=0, le=101)
    normalize_amps: int | None = Field(None, ge=0, le=80)
    takeover: Literal["ask", "always", "never"] = "ask"
    respect_schedule: bool = True
    reassert: bool = True
    on_exit: Literal["min", "stop", "leave"] = "min"
    stale_s: int = Field(45, ge=30, le=600)
    api_key: Secret = None
    mqtt_host: Host | None = None
    mqtt_port: int | None = Field(None, ge=1, le=65535)
    mqtt_username: Text | None = None
    mqtt_password: Secret = None
    mqtt_tls: bool = False
    mqtt_ca: Text | None = None
    discovery_prefix: Annotated[str, AfterValidator(option_texts.prefix)] = "homeassistant"
    log_level: LogLevel = "info"

    @model_validator(mode="after")
    def _together(self) -> Options:
        _check_currents(self)
        _check_link(self)
        _check_source(self)
        _check_pairs(self)
        return self


def _check_currents(options: Options) -> None:
    if options.min_amps > options.max_amps:
        problem = f"{options.min_amps} A is above max_amps ({options.max_amps} A)"
        raise OptionError("min_amps", problem, "lower it, or raise max_amps")
    months = len(options.seasonal_start_w)
    if months not in (0, 12):
        problem = f"it has {months} values"
        raise OptionError("seasonal_start_w", problem, "write twelve, January first, or none")
    for index, row in enumerate(options.tariff):
        if row.start == row.end:
            problem = f"it begins and ends at {row.start}"
            raise OptionError(f"tariff[{index}].end", problem, "write another time")


def _check_link(options: Options) -> None:
    if options.vehicle_link in ("relay", "proxy_http") and options.relay_url is None:
        problem = f"vehicle_link {options.vehicle_link} needs it"
        raise OptionError("relay_url", problem, "write an address like http://192.168.1.20:5003")
    if options.vehicle_link == "ha_entities":
        for name in ("car_amps_entity", "car_charge_entity"):
            if getattr(options, name) is None:
                problem = "vehicle_link ha_entities needs it"
                raise OptionError(name, problem, "write an entity id like number.car_amps")


def _check_source(options: Options) -> None:
    roles = {row.role for row in options.sensors}
    own_grid = bool(roles & {"grid", "import", "export"})
    if options.source in ("fronius", "solaredge") and options.inverter_host is None:
        problem = f"source {options.source} needs it"
        raise OptionError("inverter_host", problem, "write the inverter's address")
    if options.source == "dashboard" and options.dashboard_url is None:
        remedy = "write an address like http://192.168.1.30:8080"
        raise OptionError("dashboard_url", "source dashboard needs it", remedy)
    if options.source in ("home_assistant", "mqtt") and not own_grid:
        problem = f"source {options.source} has no row with role grid, import or export"
        raise OptionError("sensors", problem, "add the row of your grid meter")


def _check_pairs(options: Options) -> None:
    for secret, user in (("mqtt_password", "mqtt_username"), ("envoy_password", "envoy_username")):
        if getattr(options, secret) is not None and getattr(options, user) is None:
            raise OptionError(secret, f"there is no {user} with it", "write both or neither")


def read(raw: Mapping[str, Any]) -> tuple[Options, list[str]]:
    """The typed options and one warning for each unknown name; raises OptionError."""
    known = _without_empty(raw)
    if isinstance(known.get("phases"), int) and not isinstance(known["phases"], bool):
        known = {**known, "phases": str(known["phases"])}
    try:
        options = Options.model_validate(known)
    except ValidationError as error:
        raise explained(error, Options) from None
    names = {field.alias or name for name, field in Options.model_fields.items()}
    unknown = [
        f"option {str(name)[:60]} is not known; it is ignored"
        for name in known
        if name not in names
    ]
    return options, unknown


def load(path: Path) -> Mapping[str, Any]:
    """The content of an options file; raises OptionError, or FileNotFoundError when missing."""
    try:
        # Editors of another system put a byte order mark before it.
        raw = _without_empty(json.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise
    except OSError as error:
        problem = f"{path} cannot be read ({error.strerror})"
        raise OptionError("--options", problem, "name a readable JSON file") from error
    except RecursionError:
        remedy = "write one JSON object with the options"
        raise OptionError("--options", f"{path} is nested too deeply", remedy) from None
    except ValueError as error:
        problem = f"{path} is no JSON ({error})"
        raise OptionError("--options", problem, "write one JSON object with the options") from error
    if not isinstance(raw, dict):
        remedy = 'write one JSON object, for example {"source": "envoy"}'
        raise OptionError("--options", f"{path} holds no JSON object", remedy)
    return raw


def _without_empty(value: Any) -> Any:
    """The Supervisor hands over optional options as absent, null or empty text: "not set"."""
    if isinstance(value, Mapping):
        kept = {key: each for key, each in value.items() if each is not None and each != ""}
        return {key: _without_empty(each) for key, each in kept.items()}
    if isinstance(value, list | tuple):
        return [_without_empty(each) for each in value if each is not None and each != ""]
    return value
