"""A faithful `tesla-control`: the same arguments, outputs, texts and exit codes, without a radio.

`install` puts an executable on a path of your choice; it asks the `FakeCarService` in this
process, so tests and demos see and change the same car.
"""

from __future__ import annotations

import asyncio
import json
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .house import Car

SCRIPT = """#!{python}
import json, socket, sys, time
link = socket.create_connection(("127.0.0.1", {port}))
link.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
outcome = json.loads(link.makefile().readline())
time.sleep(outcome["delay_s"])
sys.stdout.write(outcome["stdout"])
sys.stderr.write(outcome["stderr"])
sys.exit(outcome["code"])
"""

_VALUE_FLAGS = {
    "-vin", "-key-file", "-key-name", "-token-file", "-token-name", "-session-cache", "-domain",
    "-command-timeout", "-connect-timeout", "-keyring-type", "-keyring-file-dir", "-bt-adapter",
}  # fmt: skip
_FLAGS = {"-ble", "-debug", "-disable-session-cache", "-keyring-debug"}
_NUMBERS = {"charging-set-amps": (0, 80), "charging-set-limit": (0, 100)}
_PLAIN = {"charging-start", "charging-stop", "wake", "ping", "charge-port-open"}
_BODY = {"wake", "body-controller-state", "add-key-request"}
_EXECUTED = "executed"

TROUBLES: dict[str, tuple[str, str]] = {
    "busy": ("Failed to execute command: vehicle busy or finishing wake-up", ""),
    "max_connections": (
        "Error: the vehicle is already connected to the maximum number of BLE devices",
        "",
    ),
    "unverified": ("Couldn't verify success: context deadline exceeded", _EXECUTED),
    "unverified_lost": ("Couldn't verify success: context deadline exceeded", ""),
    "out_of_range": ("Error: context deadline exceeded", ""),
    "timeout": ("Failed to execute command: context deadline exceeded", _EXECUTED),
    "no_scan": ("Error: failed to scan for vehicle: device busy", ""),
    "not_paired": (
        "Failed to execute command: your public key has not been paired with the vehicle",
        "",
    ),
    "role": ("Failed to execute command: MESSAGEFAULT_ERROR_INSUFFICIENT_PRIVILEGES", ""),
    "disabled": ("Failed to execute command: MESSAGEFAULT_ERROR_REMOTE_ACCESS_DISABLED", ""),
    "session": ("Failed to execute command: MESSAGEFAULT_ERROR_INCORRECT_EPOCH", ""),
    "adapter": ("Error: failed to find a BLE device: can't init hci: no devices available", ""),
    "permission": (
        "Error: failed to find a BLE device: can't down device: operation not permitted",
        "",
    ),
}
"""Standard error of each trouble, and whether the car did what was asked all the same."""


@dataclass
class Outcome:
    """What the program prints and leaves with."""

    stdout: str = ""
    stderr: str = ""
    code: int = 0
    delay_s: float = 0.0


class FakeTeslaControl:
    """The program's behaviour around one car."""

    def __init__(self, car: Car) -> None:
        self.car = car
        self.trouble: str | None = None
        """A key of TROUBLES, for every call until it is reset."""
        self.body_answers = True
        """False: not even the body controller answers."""
        self.paired = True
        self.delay_s = 0.0
        self.calls: list[list[str]] = []
        self.clear_session_trouble_after = 0

    def run(self, argv: list[str]) -> Outcome:
        """One call, flags before the command."""
        self.calls.append(argv)
        flags, words, bad = _split(argv)
        if bad:
            return Outcome("", f"flag provided but not defined: {bad}\nUsage: tesla-control\n", 2)
        if not words:
            return Outcome("> ", "", 0)
        if "-vin" not in flags:
            return _error("Error: command requires a VIN")
        outcome = self._trouble(words) or self._execute(words)
        outcome.delay_s = self.delay_s
        return outcome

    def _trouble(self, words: list[str]) -> Outcome | None:
        body = words[0] == "body-controller-state"
        if body and self.body_answers and self.trouble in (None, "out_of_range"):
            return None
        if body and not self.body_answers:
            return _error(TROUBLES["out_of_range"][0])
        if self.trouble is None:
            return None
        text, executed = TROUBLES[self.trouble]
        if self.trouble == "session" and self.clear_session_trouble_after > 0:
            self.clear_session_trouble_after -= 1
            if self.clear_session_trouble_after == 0:
                self.trouble = None
        if executed:
            self._execute(words)
        return _error(text)

    def _execute(self, words: list[str]) -> Outcome:
        command, *args = words
        if command == "body-controller-state":
            return Outcome(json.dumps(self.car.body_state(), indent="\t") + "\n")
        if command == "add-key-request":
            return self._add_key(args)
        if not self.paired:
            return _error(TROUBLES["not_paired"][0])
        if command == "wake":
            self.car.command("wake")
            self.car.asleep = False
            return Outcome()
        if self.car.asleep and command not in _BODY:
            return _error(TROUBLES["out_of_range"][0])
        if command == "state":
            if args != ["charge"]:
                return _error("Failed to execute command: unrecognized state category")
            return Outcome(json.dumps({"chargeState": self.car.charge_state()}, indent=2) + "\n")
        if command in _NUMBERS:
            return self._number(command, args)
        if command in _PLAIN and not args:
            return _refusal(self.car.command(command))
        return _error(f"Error: unrecognized command: {command}")

    def _number(self, command: str, args: list[str]) -> Outcome:
        low, high = _NUMBERS[command]
        if len(args) != 1 or not args[0].isdecimal() or not low <= int(args[0]) <= high:
            return _error("Failed to execute command: error parsing argument")
        return _refusal(self.car.command(command, int(args[0])))

    def _add_key(self, args: list[str]) -> Outcome:
        if len(args) != 3 or "PUBLIC KEY" not in Path(args[0]).read_text("ascii"):
            return _error("Failed to execute command: invalid public key")
        told = f"Sent add-key request to {self.car.vin}. Confirm by tapping NFC card on "
        told += "center console."
        return Outcome(told + "\n")


def _split(argv: list[str]) -> tuple[dict[str, str], list[str], str]:
    flags: dict[str, str] = {}
    rest = list(argv)
    while rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        if flag in _VALUE_FLAGS and rest:
            flags[flag] = rest.pop(0)
        elif flag in _FLAGS:
            flags[flag] = ""
        else:
            return flags, rest, flag
    return flags, rest, ""


def _error(text: str) -> Outcome:
    return Outcome("", text + "\n", 1)


def _refusal(reason: str | None) -> Outcome:
    if reason is None:
        return Outcome()
    return _error(f"Failed to execute command: car could not execute command: {reason}")


class FakeCarService:
    """Answers the installed script; `async with` starts and stops it."""

    def __init__(self, control: FakeTeslaControl) -> None:
        self.control = control
        self.port = 0
        self.running_at_once = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def install(self, folder: Path) -> Path:
        """Write the executable `tesla-control` into a folder."""
        path = folder / "tesla-control"
        path.write_text(SCRIPT.format(python=sys.executable, port=self.port), "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        return path

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            argv = json.loads(await reader.readline())
            outcome = self.control.run(argv)
            writer.write(json.dumps(outcome.__dict__).encode() + b"\n")
            await writer.drain()
        finally:
            writer.close()
