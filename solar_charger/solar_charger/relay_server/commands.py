"""Which requests are passed on to tesla-control, and with which arguments; pure."""

from __future__ import annotations

import base64
import json

_DOMAINS = ("vcsec", "infotainment")
_STATES = ("charge", "climate", "drive", "closures", "charge-schedule", "software-update")
_NO_ARGUMENTS = ("charging-start", "charging-stop", "wake", "ping", "body-controller-state")
_RANGES = {"charging-set-amps": (0, 80), "charging-set-limit": (50, 100)}
_STALE = (
    "invalid_signature",
    "invalid_token_or_counter",
    "incorrect_epoch",
    "time_expired",
    "failed to load session cache",
)
_SPKI_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_POINT_IN_KEY = bytes.fromhex("03420004")


class RejectedError(Exception):
    """A request that is not passed on; the text goes to the client."""


def parse_request(body: bytes) -> tuple[str, list[str], str]:
    """Command, arguments and domain of a `/ble/command` body.

    Raises RejectedError.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise RejectedError("JSON body required")
    command, args = request.get("command"), request.get("args", [])
    domain = request.get("domain") or "infotainment"
    if not isinstance(command, str) or not command:
        raise RejectedError("command field required")
    if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
        raise RejectedError("args must be a list of strings")
    if domain not in _DOMAINS:
        raise RejectedError("domain must be vcsec or infotainment")
    return command, args, domain


def check_command(command: str, args: list[str]) -> list[str]:
    """The arguments to pass on. Only charging, wake, questions and the key request are allowed.

    Raises RejectedError.
    """
    if any(word.startswith("-") for word in (command, *args)):
        raise RejectedError("a command or argument must not begin with '-'")
    if command in _RANGES:
        return [_number(command, args)]
    if command in _NO_ARGUMENTS:
        if args:
            raise RejectedError(f"{command} takes no arguments")
        return []
    if command == "state":
        if len(args) != 1 or args[0] not in _STATES:
            raise RejectedError(f"state takes one of {', '.join(_STATES)}")
        return args
    if command == "add-key-request":
        # The file is ours whatever the client names: the key lives on this machine.
        if args[1:] != ["charging_manager", "cloud_key"]:
            raise RejectedError("add-key-request takes FILE charging_manager cloud_key")
        return args
    raise RejectedError(f"command {command[:40]!r} is not allowed")


def _number(command: str, args: list[str]) -> str:
    low, high = _RANGES[command]
    if len(args) != 1 or not (args[0].isascii() and args[0].isdecimal() and len(args[0]) <= 3):
        raise RejectedError(f"{command} takes one whole number")
    if not low <= int(args[0]) <= high:
        raise RejectedError(f"{command} takes {low} to {high}")
    return str(int(args[0]))


def is_stale_session(output: str) -> bool:
    """True where the car no longer accepts the cached session, which a fresh one mends."""
    words = output.lower()
    return "could not execute command" not in words and any(word in words for word in _STALE)


def public_pem(private_pem: str) -> str:
    """The public half of a P-256 key file, which holds it in clear beside the secret.

    Raises ValueError where the file is no such key (RFC 5915 with the optional public key).
    """
    body = base64.b64decode("".join(_last_block(private_pem)), validate=True)
    at = body.rfind(_POINT_IN_KEY)
    point = body[at + 3 : at + 68]
    if at < 0 or len(point) != 65:
        raise ValueError("the key file holds no P-256 public key")
    text = base64.b64encode(_SPKI_P256 + point).decode("ascii")
    rows = [text[i : i + 64] for i in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *rows, "-----END PUBLIC KEY-----", ""])


def _last_block(pem: str) -> list[str]:
    """OpenSSL may put an EC PARAMETERS block first, which has no point in it."""
    rows: list[str] = []
    for line in pem.splitlines():
        if line.startswith("-----BEGIN"):
            rows = []
        elif not line.startswith("-----"):
            rows.append(line.strip())
    return rows
