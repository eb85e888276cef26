"""The real Home Assistant in a container on the host's network, as on a real device."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from tests.stand import mosquitto, onboarding
from tests.stand.container import Container, start_container
from tests.stand.home_assistant_image import home_assistant_image
from tests.stand.network import GATEWAY
from tests.stand.podman import STAND, podman
from tests.stand.registry import CoreAccess
from tests.stand.waiting import NeverHappened, wait_until

NAME = "homeassistant"
ADDRESS = "http://127.0.0.1:8123"
USERNAME = "owner"
PASSWORD = "stand-owner"
START_SECONDS = 180
STOP_SECONDS = 60
CALL_SECONDS = 30
LIFESPAN_DAYS = 30

State = Mapping[str, Any]


class HomeAssistant:
    """Home Assistant with an owner and MQTT set up; asks it what a user would see."""

    def __init__(self) -> None:
        self.container = Container(NAME)
        self.token = ""

    @property
    def access(self) -> CoreAccess:
        """For the stand-in Supervisor's proxy; containers would call it homeassistant."""
        return CoreAccess(ADDRESS, self.token)

    def create(self, broker: mosquitto.Mosquitto) -> None:
        """Start with an empty configuration and take the first steps; returns when usable."""
        podman("volume", "rm", "--force", NAME, check=False)
        podman("volume", "create", "--label", STAND, NAME)
        folder = podman("volume", "inspect", "--format", "{{.Mountpoint}}", NAME).strip()
        onboarding.prepare(Path(folder), ["127.0.0.1", GATEWAY])
        flags = [
            "--network=host",
            f"--volume={NAME}:/config",
            f"--add-host={mosquitto.HOSTNAME}:{mosquitto.ADDRESS}",
        ]
        start_container(home_assistant_image(), NAME, flags=flags)
        with self._explained():
            onboarding.wait_answering(ADDRESS, START_SECONDS)
            tokens = onboarding.onboard(ADDRESS, USERNAME, PASSWORD)
            onboarding.wait_running(ADDRESS, tokens.access, START_SECONDS)
        self.token = tokens.access
        lasting = self.command(
            "auth/long_lived_access_token", client_name="stand", lifespan=LIFESPAN_DAYS
        )
        self.token = str(lasting)
        # An address nobody confirms is taken back after five minutes, by a restart that ends this
        # container (home-assistant/core, components/http/config.py, AUTO_REVERT_DELAY).
        self.command("http/config/promote")
        service = broker.service
        onboarding.configure_mqtt(
            ADDRESS, self.token, service.host, service.port, service.username, service.password
        )
        self.wait_for_mqtt()

    def restart(self) -> None:
        """Stop and start, keeping everything; returns when it is connected to MQTT again."""
        self.container.stop(STOP_SECONDS)
        podman("start", NAME)
        with self._explained():
            onboarding.wait_running(ADDRESS, self.token, START_SECONDS)
        self.wait_for_mqtt()

    def wait_for_mqtt(self, seconds: float = 60) -> None:
        """Returns when the MQTT integration is set up and has reached the broker."""

        def loaded() -> bool:
            entries = self.command("config_entries/get", domain="mqtt")
            return any(entry["state"] == "loaded" for entry in entries)

        wait_until(loaded, seconds, "Home Assistant's connection to MQTT")

    def states(self) -> dict[str, State]:
        """Every entity's state with its attributes, by entity id."""
        return {state["entity_id"]: state for state in self._get("states")}

    def state(self, entity_id: str) -> State | None:
        return self.states().get(entity_id)

    def wait_for_state(
        self,
        entity_id: str,
        expected: str | Callable[[State], bool] | None = None,
        seconds: float = 30,
    ) -> State:
        """The entity once it exists and its state is as expected (text or predicate)."""
        last: list[State | None] = [None]

        def fits() -> State | None:
            state = last[0] = self.state(entity_id)
            if state is None or expected is None:
                return state
            fine = expected(state) if callable(expected) else state["state"] == expected
            return state if fine else None

        try:
            found = wait_until(fits, seconds, f"{entity_id} = {expected}")
        except NeverHappened as never:
            raise NeverHappened(f"{never}; last seen: {last[0]}\n{self.errors()}") from None
        assert found is not None
        return found

    def entities(self) -> list[dict[str, Any]]:
        """The entity registry: entity_id, unique_id, platform, entity_category, disabled_by …"""
        return list(self.command("config/entity_registry/list"))

    def devices(self) -> list[dict[str, Any]]:
        """The device registry: identifiers, name, manufacturer, model, sw_version …"""
        return list(self.command("config/device_registry/list"))

    def call_service(self, domain: str, service: str, **data: Any) -> None:
        """What a button on the page does; raises requests.HTTPError when it is refused."""
        answer = requests.post(
            f"{ADDRESS}/api/services/{domain}/{service}",
            json=data, headers=self._headers(), timeout=CALL_SECONDS,
        )  # fmt: skip
        answer.raise_for_status()

    def errors(self) -> str:
        """The last lines of its log: what it thinks of our discovery messages is there."""
        return self.container.logs()[-4000:]

    def command(self, kind: str, **data: Any) -> Any:
        """The result of one WebSocket command, such as `config/entity_registry/list`."""
        with self._websocket() as socket:
            socket.send(json.dumps({"id": 1, "type": kind, **data}))
            answer = json.loads(socket.recv(CALL_SECONDS))
        if not answer.get("success"):
            raise RuntimeError(f"Home Assistant refused {kind}: {answer.get('error')}")
        return answer["result"]

    @contextmanager
    def _websocket(self) -> Iterator[ClientConnection]:
        address = f"{ADDRESS.replace('http', 'ws', 1)}/api/websocket"
        with connect(address, max_size=None, open_timeout=CALL_SECONDS) as socket:
            json.loads(socket.recv(CALL_SECONDS))
            socket.send(json.dumps({"type": "auth", "access_token": self.token}))
            answer = json.loads(socket.recv(CALL_SECONDS))
            if answer["type"] != "auth_ok":
                raise RuntimeError(f"Home Assistant refused the token: {answer}")
            yield socket

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as late:
            raise NeverHappened(f"{late}\n{self.errors()}") from None

    def _get(self, path: str) -> Any:
        answer = requests.get(
            f"{ADDRESS}/api/{path}", headers=self._headers(), timeout=CALL_SECONDS
        )
        answer.raise_for_status()
        return answer.json()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
