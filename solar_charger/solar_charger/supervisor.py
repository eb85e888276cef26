"""Asks Home Assistant's Supervisor for the MQTT broker and about this app, over its HTTP interface.

The same text in every app. Without a token the app does not run under a Supervisor.
Source: home-assistant/supervisor, `supervisor/api/services.py`, `supervisor/api/addons.py`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

DEFAULT_URL = "http://supervisor"
CONNECT_TIMEOUT = 3.0
READ_TIMEOUT = 8.0


class SupervisorError(Exception):
    """The Supervisor did not answer, or not as expected; the text says what to look at."""


class ServiceNotRegisteredError(SupervisorError):
    """The Supervisor runs, but no app offers this service (yet)."""


@dataclass(frozen=True, slots=True)
class MqttService:
    """The broker an app such as Mosquitto registered; empty user name: anonymous."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    ssl: bool = False


@dataclass(frozen=True, slots=True)
class AppInfo:
    """What the Supervisor says about this app; `network` maps inside ports to those of the host."""

    slug: str
    hostname: str
    version: str
    ip_address: str
    ingress_entry: str
    network: Mapping[str, int | None]
    everything: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The interface at `base_url`, with the token every request carries."""

    token: str = field(repr=False)
    base_url: str = DEFAULT_URL

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Supervisor | None:
        """None without a token, that is outside Home Assistant.

        `SUPERVISOR_TOKEN_FILE` wins over `SUPERVISOR_TOKEN`; a file that is missing or empty
        counts as not there. `SUPERVISOR_URL` replaces the base URL. `SupervisorError` when the
        file may not be read.
        """
        environ = os.environ if environ is None else environ
        token = _token_of_file(environ.get("SUPERVISOR_TOKEN_FILE", ""))
        token = token or environ.get("SUPERVISOR_TOKEN", "").strip()
        if not token:
            return None
        return cls(token, (environ.get("SUPERVISOR_URL") or DEFAULT_URL).rstrip("/"))

    async def mqtt_service(self) -> MqttService:
        """The broker; `ServiceNotRegisteredError` while no app has registered one."""
        data = await self.get("/services/mqtt")
        host = data.get("host")
        if not isinstance(host, str) or not host:
            raise SupervisorError("the Supervisor's answer about MQTT names no host")
        return MqttService(
            host=host,
            port=_port(data.get("port")),
            username=_text(data.get("username")),
            password=_text(data.get("password")),
            ssl=data.get("ssl") is True,
        )

    async def app_info(self) -> AppInfo:
        """This app's own entry."""
        data = await self.get("/addons/self/info")
        network = data.get("network")
        return AppInfo(
            slug=_text(data.get("slug")),
            hostname=_text(data.get("hostname")),
            version=_text(data.get("version")),
            ip_address=_text(data.get("ip_address")),
            ingress_entry=_text(data.get("ingress_entry")),
            network=network if isinstance(network, dict) else {},
            everything=data,
        )

    async def get(self, path: str) -> dict[str, Any]:
        """`data` of the answer to a GET of `path`, asked in a worker thread (at most 11 s)."""
        return await asyncio.to_thread(self.get_now, path)

    def get_now(self, path: str) -> dict[str, Any]:
        """Like `get`, for callers that may wait."""
        try:
            with requests.Session() as session:
                # Proxy settings and .netrc are meant for the outside, not for the Supervisor.
                session.trust_env = False
                answer = session.get(
                    f"{self.base_url}{path}",
                    headers={"Authorization": f"Bearer {self.token}"},
                    timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                    allow_redirects=False,
                )
        except requests.Timeout as error:
            raise SupervisorError(f"the Supervisor did not answer {path} in time") from error
        except requests.RequestException as error:
            raise SupervisorError(
                f"the Supervisor cannot be reached at {self.base_url} ({type(error).__name__})"
            ) from error
        return _data_of(path, answer)


def _data_of(path: str, answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except requests.JSONDecodeError as error:
        raise SupervisorError(
            f"the Supervisor answered {path} with status {answer.status_code} and no JSON"
        ) from error
    body = body if isinstance(body, dict) else {}
    data = body.get("data")
    if answer.status_code == 200 and body.get("result") == "ok" and isinstance(data, dict):
        return data
    message = _text(body.get("message")) or "no reason given"
    if answer.status_code == 400 and path.startswith("/services/"):
        raise ServiceNotRegisteredError(f"the Supervisor knows no such service: {message}")
    if answer.status_code in (401, 403):
        message = f"access denied: {message}"
    raise SupervisorError(
        f"the Supervisor answered {path} with status {answer.status_code}: {message}"
    )


def _token_of_file(name: str) -> str:
    if not name:
        return ""
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SupervisorError(
            f"the Supervisor's token in {name} cannot be read: {error}"
        ) from error


def _port(value: object) -> int:
    """The port; the documentation shows a text where the Supervisor sends a number."""
    text = str(value).strip()
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise SupervisorError(f"the Supervisor's answer about MQTT has the port {value!r}")
    return int(text)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
