"""Every setting of the options file: names, defaults and limits equal `config.yaml`.

An empty string means "not set". What cannot be used raises OptionError, unknown names are returned
as warnings.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from . import idleoptions, subprotocols, targets
from . import rules as rules_package
from .access import Networks
from .errors import OptionError

LogLevel = Literal["trace", "debug", "info", "notice", "warning", "error", "fatal"]

_USER_INFO = re.compile(r"//.*@", re.DOTALL)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TOPIC = re.compile(r"[^+#\x00-\x1f\x7f/]+(?:/[^+#\x00-\x1f\x7f/]+)*")


def _url(value: str) -> str:
    targets.parse(value)
    return value


def _prefix(value: str) -> str:
    return targets.prefix(value)


def _network(value: str) -> str:
    Networks([value])
    return value.strip()


def _subprotocol(value: str) -> str:
    if not _TOKEN.fullmatch(value.strip()):
        raise ValueError("it is no subprotocol name")
    return subprotocols.canonical(value)


def _topic(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        raise ValueError("it is no topic (no blanks at the ends of levels, no +, no #)")
    return value


def _no_control(value: str) -> str:
    if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value):
        raise ValueError("it has a control character or half a character")
    return value


def _host(value: str) -> str:
    host = _no_control(value.strip())
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not host or re.search(r"[\s/?#@\[\]]", host):
        raise ValueError("it is no host name or address")
    if ":" in host:
        _check_ipv6(host)
    return host


def _check_ipv6(host: str) -> None:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        raise ValueError("it is no host name or address; a port has its own option") from None


Text = Annotated[str, AfterValidator(_no_control)]
Host = Annotated[str, AfterValidator(_host)]
Url = Annotated[str, AfterValidator(_url)]
Cidr = Annotated[str, AfterValidator(_network)]
Topic = Annotated[str, AfterValidator(_topic)]
Port = Annotated[int, Field(ge=1, le=65535)]


class StationOptions(BaseModel):
    """What one wallbox has of its own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Text = Field(min_length=1, max_length=255)
    upstream_id: Text | None = None
    target_url: Url | None = None
    password: Text | None = Field(None, repr=False)
    rules: str | None = None


class SecondaryOptions(BaseModel):
    """A second central system that only gets copies; without `stations` those of all wallboxes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: Url
    stations: tuple[Text, ...] = ()
    username: Text | None = None
    password: Text | None = Field(None, repr=False)


class Options(BaseModel):
    """The options file, read once at the start; sizes in bytes, times in seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    target_host: Host = "homeassistant"
    target_port: Port = 8887
    target_url: Url | None = None
    log_level: LogLevel = "info"
    subprotocols: tuple[Annotated[str, AfterValidator(_subprotocol)], ...] = ("ocpp1.6",)
    accept_missing_subprotocol: bool = True
    station_path: Literal["keep", "last_segment"] = "keep"
    default_station_id: Text | None = None
    upstream_path_prefix: Annotated[str, AfterValidator(_prefix)] = ""
    stations: tuple[StationOptions, ...] = ()
    allow_unknown_stations: bool = True
    allowed_ips: tuple[Cidr, ...] = ()
    max_connections: int = Field(32, ge=1, le=10000)
    max_message_size: int = Field(1048576, ge=1024, le=16777216)
    ping_interval: int = Field(20, ge=0, le=3600)
    ping_timeout: int = Field(40, ge=0, le=3600)
    upstream_auth: Literal["forward", "none", "basic"] = "forward"
    upstream_username: Text | None = None
    upstream_password: Text | None = Field(None, repr=False)
    trusted_proxies: tuple[Cidr, ...] = ()
    repair_connection_header: bool = False
    upstream_open_timeout: int = Field(5, ge=1, le=7)
    on_upstream_loss: Literal["hold", "close"] = "hold"
    hold_seconds: int = Field(120, ge=1, le=3600)
    ssl: bool = False
    certfile: Text = "fullchain.pem"
    keyfile: Text = "privkey.pem"
    tls_legacy: bool = False
    rules: tuple[str, ...] = ()
    secondaries: tuple[SecondaryOptions, ...] = ()
    mqtt_discovery: bool = True
    message_log: bool = False
    mqtt_topic_prefix: Topic = "ocpp_proxy"
    discovery_prefix: Topic = "homeassistant"
    mask_id_tags: bool = True
    mqtt_host: Host | None = None
    mqtt_port: Port | None = None
    mqtt_username: Text | None = None
    mqtt_password: Text | None = Field(None, repr=False)
    mqtt_tls: bool = False
    mqtt_ca: Text | None = None

    @model_validator(mode="after")
    def _together(self) -> Options:
        _check_credentials(self)
        _check_stations(self)
        self.plan_of(None)
        for station in self.stations:
            self.plan_of(station)
        return self

    def plan_of(self, station: StationOptions | None) -> rules_package.Plan:
        """The rules of this wallbox: its own, else the common ones; raises OptionError."""
        if station is not None and station.rules is not None:
            option = f"stations[{self.stations.index(station)}].rules"
            return rules_package.read(option, station.rules)
        lines = enumerate(self.rules)
        return rules_package.read_lines((f"rules[{index}]", line) for index, line in lines)

    def target_of(self, station: StationOptions | None) -> targets.Target:
        """Where this wallbox is sent: its own address, the common one, else host and port."""
        url = (station and station.target_url) or self.target_url
        return targets.parse(url) if url else targets.Target(self.target_host, self.target_port)

    def is_upstream_name(self, station_id: str) -> bool:
        """Whether an unlisted wallbox of this id would speak upstream under a listed one's name."""
        return any(
            each.upstream_id == station_id and self.target_of(each) == self.target_of(None)
            for each in self.stations
            if each.id != station_id
        )

    def station(self, station_id: str) -> StationOptions | None:
        """The entry of a station, None for one that is not listed."""
        return next((each for each in self.stations if each.id == station_id), None)


def read(raw: Mapping[str, Any]) -> tuple[Options, list[str]]:
    """The typed options and warnings (unknown names, no effect as set); raises OptionError."""
    try:
        known = _without_empty(raw)
        options = Options.model_validate(known)
    except RecursionError as error:
        raise OptionError(
            "--options", "it is nested too deeply", "see the documentation"
        ) from error
    except ValidationError as error:
        raise _explained(error) from None
    return options, [*_unknown(known), *idleoptions.idle(options, known)]


def load(path: Path) -> Mapping[str, Any]:
    """The content of an options file; raises OptionError, or FileNotFoundError when missing."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise
    except OSError as error:
        problem = f"{path} cannot be read ({error.strerror})"
        raise OptionError("--options", problem, "name a readable JSON file") from error
    except RecursionError as error:
        problem = f"{path} is nested too deeply"
        raise OptionError("--options", problem, "write one JSON object with the options") from error
    except ValueError as error:
        problem = f"{path} is no JSON ({error})"
        raise OptionError("--options", problem, "write one JSON object with the options") from error
    if not isinstance(raw, dict):
        remedy = 'write one JSON object, for example {"target_host": "192.168.1.5"}'
        raise OptionError("--options", f"{path} holds no JSON object", remedy)
    return raw


def _without_empty(value: Any) -> Any:
    """The Supervisor hands over optional options as absent, null or empty text: all "not set"."""
    if isinstance(value, Mapping):
        return {
            key: _without_empty(each)
            for key, each in value.items()
            if each is not None and each != ""
        }
    if isinstance(value, list | tuple):
        return [_without_empty(each) for each in value if each is not None and each != ""]
    return value


def _check_credentials(options: Options) -> None:
    if options.upstream_password is not None and options.upstream_username is None:
        raise OptionError(
            "upstream_password",
            "there is no upstream_username with it",
            "write both or neither",
        )
    if options.upstream_auth == "basic" and options.upstream_username is None:
        raise OptionError(
            "upstream_auth",
            "basic needs a user name",
            "write upstream_username and upstream_password, or choose forward or none",
        )
    if options.mqtt_password is not None and options.mqtt_username is None:
        raise OptionError(
            "mqtt_password", "there is no mqtt_username with it", "write both or neither"
        )
    for index, each in enumerate(options.secondaries):
        if each.password is not None and each.username is None:
            raise OptionError(
                f"secondaries[{index}].password",
                "there is no username with it",
                "write both or neither",
            )


def _check_stations(options: Options) -> None:
    if not options.subprotocols:
        raise OptionError("subprotocols", "the list is empty", 'write ["ocpp1.6"]')
    if not options.stations and not options.allow_unknown_stations:
        raise OptionError(
            "allow_unknown_stations",
            "it is off and no station is listed, so no wallbox could connect",
            "list your wallboxes under stations, or switch it on",
        )
    ids: set[str] = set()
    ends: dict[tuple[targets.Target, str], str] = {}
    for index, each in enumerate(options.stations):
        if each.id in ids:
            raise OptionError(
                f"stations[{index}].id",
                f"station {each.id!r} is listed twice",
                "keep one entry for each wallbox",
            )
        ids.add(each.id)
        end = (options.target_of(each), each.upstream_id or each.id)
        if end in ends:
            raise OptionError(
                f"stations[{index}].upstream_id",
                f"{each.id!r} and {ends[end]!r} would both be {end[1]!r} at {end[0]}",
                "give every wallbox its own upstream_id",
            )
        ends[end] = each.id


_REMEDIES = {
    "target_url": "write an address like ws://192.168.1.5:8887",
    "url": "write an address like wss://central.example/ocpp",
    "allowed_ips": "write networks like 192.168.1.0/24",
    "trusted_proxies": "write networks like 192.168.1.2/32",
    "subprotocols": 'write ["ocpp1.6"]',
    "target_host": "write a host name or address without ws:// and port",
    "mqtt_host": "write a host name or address without mqtt:// and port",
    "upstream_path_prefix": "write a path like /ocpp, or leave it empty",
    "mqtt_topic_prefix": "write a topic like ocpp_proxy",
    "discovery_prefix": "write homeassistant",
    "rules": "write a list of rule lines",
}
_TYPES = {
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "string_type": "write a text in quotes",
    "tuple_type": "write a list in square brackets",
    "too_short": "write a text",
    "string_too_short": "write a text",
    "string_too_long": "write a shorter text",
    "model_type": "write an entry with names and values",
    "missing": "write it",
}


def _explained(error: ValidationError) -> OptionError:
    """The first fault as one line: which option, what is wrong, what to write instead."""
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, OptionError):
        return cause
    place = [
        part for part in first["loc"] if isinstance(part, int) or not part.startswith("function")
    ]
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)[1:]
    field = next((part for part in reversed(place) if isinstance(part, str)), "")
    problem = str(cause) if cause is not None else _lower_first(first["msg"])
    problem = problem.replace("valid tuple", "list")
    problem = re.sub("a valid dictionary.*", "an entry with names and values", problem)
    if "password" not in field and isinstance(first["input"], str | int | float):
        problem = f"{_USER_INFO.sub('//…@', repr(first['input']))} cannot be used ({problem})"
    context = first.get("ctx", {})
    if first["type"] == "literal_error":
        remedy = f"write {context['expected']}"
    elif first["type"] in ("greater_than_equal", "less_than_equal"):
        remedy = f"write a number {_limits(field)}"
    else:
        remedy = _REMEDIES.get(field) or _TYPES.get(first["type"], "correct it")
    return OptionError(name, problem, remedy)


def _limits(field: str) -> str:
    """The limits of a number, from the field itself; its type is a union where it may be unset."""
    found = {
        key: value
        for constraint in _constraints(Options.model_fields[field])
        for key in ("ge", "le")
        if (value := getattr(constraint, key, None)) is not None
    }
    return f"from {found.get('ge')} to {found.get('le')}"


def _constraints(field: FieldInfo) -> Iterator[Any]:
    yield from field.metadata
    for part in get_args(field.annotation):
        for metadata in getattr(part, "__metadata__", ()):
            yield from getattr(metadata, "metadata", ())


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _unknown(raw: Mapping[str, Any]) -> list[str]:
    names = [key for key in raw if key not in Options.model_fields]
    for field, model in (("stations", StationOptions), ("secondaries", SecondaryOptions)):
        for index, each in enumerate(raw.get(field, ())):
            names += [f"{field}[{index}].{key}" for key in each if key not in model.model_fields]
    return [f"unknown option {name} is ignored" for name in names]
