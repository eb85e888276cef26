"""The command line and its environment variables; what it names wins over the options file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from . import __version__, options
from .access import Networks
from .errors import OptionError
from .tls import COPIES, SSL

DEFAULT_OPTIONS = Path("/data/options.json")
DEFAULT_DATA = Path("/data")
ENVIRONMENT = "OCPP_PROXY_"
MOST_A_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run is told: the options, and what belongs to the command line only.

    `page_port` 0 means no page. A wallbox may send `message_rate` messages a second for long and
    `message_burst` at once. `remarks` are lines for the log, as level and text.
    """

    options: options.Options
    data: Path
    listen_host: str = "0.0.0.0"
    listen_port: int = 8888
    page_host: str = "0.0.0.0"
    page_port: int = 8099
    page_allow: tuple[str, ...] = ()
    tls_folder: Path = Path("/ssl")
    message_rate: int = 200
    message_burst: int = 1000
    remarks: tuple[tuple[str, str], ...] = ()


class _Parser(argparse.ArgumentParser):
    """Says a mistake as an option's fault, because exit code 2 means something else to s6."""

    def error(self, message: str) -> NoReturn:
        option, problem = "(command line)", message
        if message.startswith("argument "):
            option, _, problem = message.removeprefix("argument ").partition(": ")
        raise OptionError(option.split("/")[-1], problem, "see ocpp_proxy --help")


def _port(text: str, low: int = 0) -> int:
    number = _whole(text)
    if number is None or not low <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text[:20]} is no port from {low} to 65535")
    return number


def _target_port(text: str) -> int:
    return _port(text, 1)


def _rate(text: str) -> int:
    number = _whole(text)
    if number is None or not 1 <= number <= MOST_A_SECOND:
        raise argparse.ArgumentTypeError(f"{text[:20]} is not from 1 to {MOST_A_SECOND}")
    return number


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _networks(text: str) -> list[str]:
    networks = [part.strip() for part in text.split(",") if part.strip()]
    try:
        Networks(networks)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return networks


def _switch(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="ocpp_proxy",
        description="Accepts OCPP 1.6-J wallboxes and relays them to a central system like evcc.",
        epilog="Each option also by environment, for example OCPP_PROXY_LISTEN_PORT=8888. "
        "The command line wins over the environment, that over the options file.",
    )
    add = parser.add_argument
    add("--options", type=Path, metavar="FILE", help=f"options file, default {DEFAULT_OPTIONS}")
    add("--data", type=Path, metavar="DIR", help=f"where to keep state, default {DEFAULT_DATA}")
    add("--listen-host", metavar="HOST", help="address to listen on, default 0.0.0.0; :: is both")
    add("--listen-port", type=_port, metavar="PORT", help="default 8888")
    add("--target-host", metavar="HOST", help="host of the central system")
    add("--target-port", type=_target_port, metavar="PORT", help="its port, default 8887")
    add("--debug", type=_switch, nargs="?", const=True, metavar="BOOL", help="log every message")
    add("--page-host", metavar="HOST", help="address of the status page, default 0.0.0.0")
    add("--page-port", type=_port, metavar="PORT", help="default 8099, 0 for no page")
    add(
        "--page-allow",
        type=_networks,
        action="extend",
        metavar="CIDR",
        help="networks that may see the page beside Home Assistant and this machine",
    )
    add("--tls-dir", type=Path, metavar="DIR", help="folder of certfile and keyfile, default /ssl")
    add("--message-rate", type=_rate, metavar="N",
        help="messages a second a wallbox may send for long, default 200")  # fmt: skip
    add("--message-burst", type=_rate, metavar="N",
        help="messages it may send at once beyond that, default 1000")  # fmt: skip
    parser.add_argument("--version", action="version", version=f"ocpp_proxy {__version__}")
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
) -> Settings:
    """Everything from command line, environment and options file; raises OptionError."""
    environ = os.environ if environ is None else environ
    parser = _parser()
    given = vars(parser.parse_args(_from_environment(parser, environ)))
    command_line = vars(parser.parse_args(arguments))
    given.update({name: value for name, value in command_line.items() if value is not None})
    raw, remarks = _options_file(given["options"])
    raw.update(_overrides(given, raw))
    read_options, unknown = options.read(raw)
    remarks += [("warning", text) for text in unknown]
    return Settings(
        options=read_options,
        data=_data_folder(given["data"], environ),
        listen_host=given["listen_host"] or "0.0.0.0",
        listen_port=_given(given["listen_port"], 8888),
        page_host=given["page_host"] or "0.0.0.0",
        page_port=_given(given["page_port"], 8099),
        page_allow=tuple(given["page_allow"] or ()),
        tls_folder=given["tls_dir"] or _tls_folder(),
        message_rate=_given(given["message_rate"], 200),
        message_burst=_given(given["message_burst"], 1000),
        remarks=tuple(remarks),
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


def _overrides(given: Mapping[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line says about things the options file also has."""
    found: dict[str, Any] = {}
    if given["target_host"] is not None:
        found["target_host"] = given["target_host"]
    if given["target_port"] is not None:
        found["target_port"] = given["target_port"]
    if found:
        # A host or port named here would be lost behind an address in the file.
        found["target_url"] = None
    if given["debug"] and raw.get("log_level") != "trace":
        found["log_level"] = "debug"
    return found


def _tls_folder() -> Path:
    return COPIES if COPIES.is_dir() else SSL


def _data_folder(named: Path | None, environ: Mapping[str, str]) -> Path:
    if named is None and DEFAULT_DATA.is_dir() and os.access(DEFAULT_DATA, os.W_OK | os.X_OK):
        return DEFAULT_DATA
    if named is None:
        state = environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        named = Path(state) / "ocpp_proxy"
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
