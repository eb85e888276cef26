"""The command line and its environment variables; what it names wins over the options file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from . import __version__, options
from .errors import OptionError
from .networks import Networks

DEFAULT_OPTIONS = Path("/data/options.json")
DEFAULT_DATA = Path("/data")
ENVIRONMENT = "SOLAR_CHARGER_"
FASTEST = 3600.0


@dataclass(frozen=True, slots=True)
class Invocation:
    """Everything a run is told: the options, and what belongs to the command line only.

    A port of 0 means no such listener. `speed` None: real time. `remarks` are lines for the log,
    as level and text.
    """

    options: options.Options
    data: Path
    page_host: str = "0.0.0.0"
    page_port: int = 8099
    page_allow: tuple[str, ...] = ()
    api_host: str = "0.0.0.0"
    api_port: int = 8080
    tls_folder: Path = Path("/ssl")
    speed: float | None = None
    remarks: tuple[tuple[str, str], ...] = ()


class _Parser(argparse.ArgumentParser):
    """Says a mistake as an option's fault, because exit code 2 means something else to s6."""

    def error(self, message: str) -> NoReturn:
        option, problem = "(command line)", message
        if message.startswith("argument "):
            option, _, problem = message.removeprefix("argument ").partition(": ")
        raise OptionError(option.split("/")[-1], problem, "see solar_charger --help")


def _port(text: str) -> int:
    if not (len(text) <= 5 and text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no port from 0 to 65535")
    return int(text)


def _networks(text: str) -> list[str]:
    networks = [part.strip() for part in text.split(",") if part.strip()]
    try:
        Networks(networks)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return networks


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 1.0 <= speed <= FASTEST:
        raise argparse.ArgumentTypeError(f"{text} is no factor from 1 to {FASTEST:.0f}")
    return speed


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="solar_charger",
        description="Charges a Tesla from solar surplus over Bluetooth, safely, and says why.",
        epilog="Other programs: solar_charger simulate --help, solar_charger relay --help. "
        "Each option also by environment, for example SOLAR_CHARGER_PAGE_PORT=8099. "
        "The command line wins over the environment, that over the options file.",
    )
    add = parser.add_argument
    add("--options", type=Path, metavar="FILE", help=f"options file, default {DEFAULT_OPTIONS}")
    add("--data", type=Path, metavar="DIR", help=f"where to keep state, default {DEFAULT_DATA}")
    add("--page-host", metavar="HOST", help="address of the page, default 0.0.0.0; :: is both")
    add("--page-port", type=_port, metavar="PORT", help="default 8099, 0 for no page")
    add(
        "--page-allow",
        type=_networks,
        action="extend",
        metavar="CIDR",
        help="networks that may see the page beside Home Assistant and this machine",
    )
    add("--api-host", metavar="HOST", help="address of the API, default 0.0.0.0; :: is both")
    add("--api-port", type=_port, metavar="PORT", help="default 8080, 0 for no API")
    add("--tls-dir", type=Path, metavar="DIR", help="folder of mqtt_ca, default /ssl")
    add(
        "--speed",
        type=_speed,
        metavar="N",
        help="run the simulated day N times as fast (source and vehicle_link simulated only)",
    )
    parser.add_argument("--version", action="version", version=f"solar_charger {__version__}")
    return parser


def _from_environment(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> list[str]:
    """The environment as arguments, put before the real ones so that those win."""
    found = []
    for action in parser._actions:
        if not action.option_strings or action.dest in ("help", "version"):
            continue
        value = environ.get(ENVIRONMENT + action.dest.upper(), "")
        if value:
            found.append(f"{action.option_strings[-1]}={value}")
    return found


def read(
    arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> Invocation:
    """Everything from command line, environment and options file; raises OptionError."""
    environ = os.environ if environ is None else environ
    parser = _parser()
    given = vars(parser.parse_args(_from_environment(parser, environ)))
    command_line = vars(parser.parse_args(arguments))
    given.update({name: value for name, value in command_line.items() if value is not None})
    raw, remarks = _options_file(given["options"])
    found, unknown = options.read(raw)
    remarks += [("warning", text) for text in unknown]
    _check_speed(given["speed"], found)
    return Invocation(
        options=found,
        data=_data_folder(given["data"], environ),
        page_host=given["page_host"] or "0.0.0.0",
        page_port=_given(given["page_port"], 8099),
        page_allow=tuple(given["page_allow"] or ()),
        api_host=given["api_host"] or "0.0.0.0",
        api_port=_given(given["api_port"], 8080),
        tls_folder=given["tls_dir"] or _tls_folder(),
        speed=given["speed"],
        remarks=tuple(remarks),
    )


def _check_speed(speed: float | None, found: options.Options) -> None:
    if speed is None:
        return
    for name in ("source", "vehicle_link"):
        if getattr(found, name) != "simulated":
            raise OptionError(
                "--speed",
                f"{name} is {getattr(found, name)}, and no real device can be hurried",
                f"set {name} to simulated, or leave --speed away",
            )


def _given(value: int | None, default: int) -> int:
    return default if value is None else value


def _options_file(named: Path | None) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    try:
        return dict(options.load(named or DEFAULT_OPTIONS)), []
    except FileNotFoundError:
        if named is not None:
            raise OptionError(
                "--options", f"{named} does not exist", "name an existing file, or none"
            ) from None
        return {}, [("info", f"no options file {DEFAULT_OPTIONS}, the defaults are used")]


def _tls_folder() -> Path:
    """In the container a root service keeps readable copies of /ssl, which is root's."""
    copies = Path("/run/solar_charger/tls")
    return copies if copies.is_dir() else Path("/ssl")


def _data_folder(named: Path | None, environ: Mapping[str, str]) -> Path:
    if named is None and DEFAULT_DATA.is_dir() and os.access(DEFAULT_DATA, os.W_OK | os.X_OK):
        return DEFAULT_DATA
    if named is None:
        state = environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        named = Path(state) / "solar_charger"
    try:
        named.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"{named} cannot be made ({error.strerror})"
        raise OptionError("--data", problem, "name a folder this user may write to") from error
    if not os.access(named, os.W_OK | os.X_OK):
        raise OptionError(
            "--data", f"{named} cannot be written", "name a folder this user may write to"
        )
    return named
