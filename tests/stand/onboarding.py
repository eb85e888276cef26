"""Makes a fresh Home Assistant usable by REST: owner, tokens, MQTT.

Also copied into its image while that is built, so it imports nothing of the stand.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests

CLIENT = "http://stand.invalid/"
SECONDS = 60.0


class FlowRefused(Exception):
    """A configuration flow did not end in an entry; the text says what it answered."""


@dataclass(frozen=True)
class Tokens:
    """`access` lives for half an hour."""

    access: str
    refresh: str


def configuration(hosts: Sequence[str], port: int = 8123) -> str:
    """configuration.yaml: only what tests and a visitor's browser need, heard on `hosts` alone."""
    listed = "".join(f"    - {host}\n" for host in hosts)
    return (
        "homeassistant:\n  name: Home\n  time_zone: UTC\n  unit_system: metric\n  country: DE\n"
        f"http:\n  server_port: {port}\n  server_host:\n{listed}"
        "frontend:\napi:\nhistory:\nconfig:\nlogger:\n  default: warning\n"
    )


def wait_ready(address: str, seconds: float) -> None:
    """Returns when the HTTP interface answers; raises TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{address}/api/onboarding", timeout=5).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.25)
    raise TimeoutError(f"Home Assistant at {address} did not answer within {seconds:g} s")


def onboard(address: str, username: str, password: str) -> Tokens:
    """Make the owner's account and finish the first steps."""
    owner = {"name": username.title(), "username": username, "password": password}
    answer = _post(
        f"{address}/api/onboarding/users", {"client_id": CLIENT, "language": "en", **owner}
    )
    tokens = exchange_code(address, answer["auth_code"])
    for step in ("core_config", "analytics"):
        _post(f"{address}/api/onboarding/{step}", {}, tokens.access)
    last = {"client_id": CLIENT, "redirect_uri": CLIENT}
    _post(f"{address}/api/onboarding/integration", last, tokens.access)
    return tokens


def exchange_code(address: str, code: str) -> Tokens:
    """Tokens for the one-time code of the first step."""
    form = {"grant_type": "authorization_code", "code": code, "client_id": CLIENT}
    answer = requests.post(f"{address}/auth/token", data=form, timeout=SECONDS)
    answer.raise_for_status()
    return Tokens(answer.json()["access_token"], answer.json()["refresh_token"])


def configure_mqtt(
    address: str, token: str, broker: str, port: int, username: str, password: str
) -> None:
    """Add the MQTT integration; raises FlowRefused when it cannot reach the broker."""
    flows = f"{address}/api/config/config_entries/flow"
    flow = _post(flows, {"handler": "mqtt"}, token)
    answers = {
        "broker": broker,
        "port": port,
        "username": username,
        "password": password,
        "other_settings": {"set_client_cert": False, "set_ca_cert": "off"},
    }
    result = _post(f"{flows}/{flow['flow_id']}", answers, token)
    if result.get("type") != "create_entry":
        raise FlowRefused(f"{result.get('type')} {result.get('errors') or result.get('reason')}")


def _post(address: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.post(address, json=body, headers=headers, timeout=SECONDS)
    if not answer.ok:
        raise FlowRefused(f"{address} answered {answer.status_code}: {answer.text[:300]}")
    decoded: dict[str, Any] = answer.json()
    return decoded
