"""`solar_charger relay`: passes a few commands of tesla-control on to the car, over HTTP.

For a small computer near the car. Standard library only, and nothing else of this package, so
that a Pi Zero installs it without dependencies. The contract is that of
markschaad8-kite/tesla-solar-ble-charger, `pi-zero-ble-relay/`.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from pathlib import Path

from .http import RelayServer, log
from .runner import COMMAND_TIMEOUT_S, Relay, Settings


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """The command line; leaves with 2 for a wrong one."""
    parser = argparse.ArgumentParser(prog="solar_charger relay", description=__doc__)
    parser.add_argument("--listen", default="0.0.0.0", metavar="ADDR")
    parser.add_argument("--port", type=int, default=5003)
    parser.add_argument("--vin", required=True)
    parser.add_argument("--key-file", type=Path, required=True)
    parser.add_argument("--api-key-file", type=Path)
    parser.add_argument("--tesla-control", default="tesla-control", metavar="PATH")
    parser.add_argument("--allow-unauthenticated", action="store_true")
    return parser.parse_args(argv)


def read_settings(arguments: argparse.Namespace) -> Settings:
    """Raises ValueError with what is to be done."""
    vin = arguments.vin.upper()
    allowed = set("ABCDEFGHJKLMNPRSTUVWXYZ0123456789")
    if len(vin) != 17 or not set(vin) <= allowed:
        raise ValueError("--vin is no vehicle identification number (17 characters)")
    if not arguments.key_file.is_file():
        raise ValueError(f"--key-file {arguments.key_file} does not exist")
    api_key = ""
    if arguments.api_key_file is not None:
        try:
            api_key = arguments.api_key_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"--api-key-file cannot be read: {error}") from error
    if not api_key and not arguments.allow_unauthenticated:
        raise ValueError(
            "anybody in your network could command the car: give --api-key-file with a key in it, "
            "or say --allow-unauthenticated"
        )
    return Settings(vin, arguments.key_file, arguments.tesla_control, api_key)


def main(argv: list[str]) -> int:
    """Run the relay until SIGTERM or Ctrl-C; 1 for a bad option."""
    arguments = parse_arguments(argv)
    try:
        settings = read_settings(arguments)
        relay = Relay(settings)
        server = RelayServer((arguments.listen, arguments.port), relay)
    except (ValueError, OSError) as error:
        log("FATAL", str(error))
        return 1
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    host, port = server.server_address[:2]
    log("INFO", f"relay for VIN …{settings.vin[-6:]} listens on {host!s}:{port}")
    with server:
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
        relay.finish(COMMAND_TIMEOUT_S)
    log("INFO", "successfully stopped")
    return 0
