"""Makes a fresh Home Assistant usable by REST: owner, tokens, MQTT.

Also copied into its image while that is built, so it imports nothing of the stand.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
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


def prepare(folder: Path, hosts: Sequence[str], port: int = 8123) -> None:
    """Write what a fresh Home Assistant finds in its configuration folder.

    Only what tests and a visitor's browser need, heard on `hosts` alone. All first steps but the
    owner's account are marked as done: the one about the place would set up weather, radio and
    speech, and load their requirements (home-assistant/core, components/onboarding/views.py).
    """
    listed = "".join(f"    - {host}\n" for host in hosts)
    (folder / "configuration.yaml").write_text(
        "homeassistant:\n  name: Home\n  time_zone: UTC\n  unit_system: metric\n  country: DE\n"
        f"http:\n  server_port: {port}\n  server_host:\n{listed}"
        "frontend:\napi:\nhistory:\nconfig:\nlogger:\n  default: warning\n  logs:\n"
        "    haffmpeg: critical\n    homeassistant.components.camera.img_util: critical\n"
    )
    storage = folder / ".storage"
    storage.mkdir()
    done = {"done": ["core_config", "analytics", "integration"]}
    stored = {"version": 4, "minor_version": 1, "key": "onboarding", "data": done}
    (storage / "onboarding").write_text(json.dumps(stored))


def wait_answering(address: str, seconds: float) -> None:
    """Returns when the HTTP interface asks for a token; raises TimeoutError after `seconds`."""
    _wait_for(address, seconds, lambda: _get(f"{address}/api/").status_code == 401)


def wait_running(address: str, token: str, seconds: float) -> None:
    """Returns when the start is over: before, even a SIGTERM is not heard."""

    def running() -> bool:
        answer = _get(f"{address}/api/config", token)
        return answer.status_code == 200 and answer.json()["state"] == "RUNNING"

    _wait_for(address, seconds, running)


def _wait_for(address: str, seconds: float, look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if look():
                return
        except requests.RequestException:
            pass
        time.sleep(0.25)
    raise TimeoutError(f"Home Assistant at {address} was not ready within {seconds:g} s")


def onboard(address: str, username: str, password: str) -> Tokens:
    """Make the owner's account, the last of the first steps."""
    owner = {"name": username.title(), "username": username, "password": password}
    answer = _post(
        f"{address}/api/onboarding/users", {"client_id": CLIENT, "language": "en", **owner}
    )
    return exchange_code(address, answer["auth_code"])


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


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _get(address: str, token: str = "") -> requests.Response:
    return requests.get(address, headers=_headers(token), timeout=5)


def _post(address: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    answer = requests.post(address, json=body, headers=_headers(token), timeout=SECONDS)
    if not answer.ok:
        raise FlowRefused(f"{address} answered {answer.status_code}: {answer.text[:300]}")
    decoded: dict[str, Any] = answer.json()
    return decoded
