"""A real Mosquitto in a container, known to apps and Home Assistant as core-mosquitto."""

from __future__ import annotations

import secrets
from pathlib import Path

import aiomqtt

from tests.stand import podman
from tests.stand.base import PACKAGES
from tests.stand.cache import building, content_key
from tests.stand.container import Container, start_container
from tests.stand.debian import debian_image
from tests.stand.network import member_flags
from tests.stand.progress import step
from tests.stand.registry import MqttService
from tests.stand.waiting import wait_until

HOSTNAME = "core-mosquitto"
ADDRESS = "172.30.33.250"  # fixed, for Home Assistant on the host's network
PORT = 1883
SOURCES = Path(__file__).parent.parent / "images" / "mosquitto"
STOP_SECONDS = 10
START_SECONDS = 15


def mosquitto_image() -> str:
    """Name of the image, built if this machine has none."""
    tree = debian_image("trixie", PACKAGES)
    name = f"{podman.PREFIX}/mosquitto:{content_key(tree, SOURCES)}"
    with building("mosquitto"):
        if not podman.image_exists(name):
            with step("image of Mosquitto"):
                podman.build(SOURCES, name, arguments={"BASE": tree})
            podman.drop_older(name)
    return name


class Mosquitto:
    """One broker; retained messages survive `stop` and `start`."""

    def __init__(self) -> None:
        self.service = MqttService(HOSTNAME, PORT, "addons", secrets.token_urlsafe(18))
        self.container = Container(HOSTNAME)

    def create(self) -> None:
        """Make the container and start it; returns when the broker listens."""
        environment = {
            "MQTT_USERNAME": self.service.username,
            "MQTT_PASSWORD": self.service.password,
        }
        flags = member_flags(HOSTNAME, ADDRESS)
        start_container(mosquitto_image(), HOSTNAME, flags=flags, environment=environment)
        self._wait_running(1)

    def stop(self) -> None:
        """As when the user stops it: connections end, retained messages are saved."""
        self.container.stop(STOP_SECONDS)

    def start(self) -> None:
        """Start again after `stop`."""
        before = self.container.logs().count("running")
        podman.podman("start", HOSTNAME)
        self._wait_running(before + 1)

    def restart(self) -> None:
        self.stop()
        self.start()

    def client(self, identifier: str | None = None) -> aiomqtt.Client:
        """A client for a test, to be used with `async with`."""
        return aiomqtt.Client(
            ADDRESS,
            PORT,
            username=self.service.username,
            password=self.service.password,
            identifier=identifier,
        )

    def _wait_running(self, times: int) -> None:
        def running() -> bool:
            return self.container.logs().count("running") >= times

        wait_until(running, START_SECONDS, "start of Mosquitto")


if __name__ == "__main__":  # for tests that cannot build later
    print(mosquitto_image())
