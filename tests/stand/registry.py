"""What the stand-in Supervisor knows: the apps it has started, the broker, Home Assistant."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.stand.app import App


@dataclass(frozen=True)
class MqttService:
    """What a broker app registers; the password is not shown in failures."""

    host: str = "core-mosquitto"
    port: int = 1883
    username: str = "addons"
    password: str = field(default="", repr=False)

    def answer(self) -> dict[str, Any]:
        return {
            "addon": "core_mosquitto",
            "host": self.host,
            "port": self.port,
            "username": self.username,
            "password": self.password,
            "ssl": False,
            "protocol": "3.1.1",
        }


@dataclass(frozen=True)
class CoreAccess:
    """How the Supervisor reaches Home Assistant itself."""

    address: str
    token: str = field(repr=False)


@dataclass
class Entry:
    """One app: its token changes at every start, its ingress token never."""

    app: App
    options: dict[str, Any]
    address: str
    token: str = field(default="", repr=False)
    ingress_token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    network: dict[str, int | None] = field(default_factory=dict)
    stop: Callable[[], object] = lambda: None
    restart: Callable[[], object] = lambda: None

    @property
    def ingress_entry(self) -> str:
        return f"/api/hassio_ingress/{self.ingress_token}"

    def renew_token(self) -> str:
        self.token = secrets.token_hex(56)
        return self.token


@dataclass
class Registry:
    """Changed by the tests at any time; `mqtt` None: no broker app is installed."""

    timezone: str = "UTC"
    mqtt: MqttService | None = None
    core: CoreAccess | None = None
    entries: dict[str, Entry] = field(default_factory=dict)

    def by_token(self, token: str) -> Entry | None:
        for entry in self.entries.values():
            if entry.token and secrets.compare_digest(entry.token, token):
                return entry
        return None

    def by_ingress_token(self, token: str) -> Entry | None:
        for entry in self.entries.values():
            if secrets.compare_digest(entry.ingress_token, token):
                return entry
        return None
