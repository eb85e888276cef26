"""The Supervisor's internal network on this machine, with the addresses of a real one.

A bridge lives only while a container is on it, hence the anchor; the Supervisor's own address is
put on the host's end of the bridge, so that the stand-in Supervisor is a thread of the tests.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.stand.container import start_container
from tests.stand.podman import create_network, podman

NAME = "hassio"
SUBNET = "172.30.32.0/23"
GATEWAY = "172.30.32.1"
SUPERVISOR = "172.30.32.2"
ANCHOR = "172.30.32.6"  # the observer's, which the stand has none of
APP_RANGE = "172.30.33.0/24"
HOSTS = {
    "supervisor": SUPERVISOR,
    "hassio": SUPERVISOR,
    "homeassistant": GATEWAY,
    "home-assistant": GATEWAY,
}


@contextmanager
def stand_network(image: str) -> Iterator[None]:
    """The network, up as long as the context is; `image` needs a `sleep`."""
    create_network(NAME, subnet=SUBNET, gateway=GATEWAY, range_=APP_RANGE)
    anchor = None
    try:
        flags = [f"--network={NAME}", f"--ip={ANCHOR}", "--entrypoint=/bin/sleep"]
        anchor = start_container(image, f"{NAME}-anchor", flags=flags, command=["infinity"])
        bridge = json.loads(podman("network", "inspect", NAME))[0]["network_interface"]
        command = ["ip", "address", "replace", f"{SUPERVISOR}/23", "dev", bridge]
        subprocess.run(command, capture_output=True, check=True)
        yield
    finally:
        if anchor is not None:
            anchor.remove()
        podman("network", "rm", "--force", NAME, check=False)


def app_addresses() -> Iterator[str]:
    """Addresses for apps, each given once, as a real Supervisor's containers have them."""
    return (f"172.30.33.{number}" for number in range(1, 250))


def member_flags(hostname: str, address: str) -> list[str]:
    """Flags of a container that other containers find as `hostname`.

    The hardware address follows from the other, as with Docker: with a new one after each restart
    neighbours would speak to the old one for half a minute.
    """
    hardware = ":".join(f"{int(part):02x}" for part in address.split("."))
    flags = [
        f"--network={NAME}",
        f"--ip={address}",
        f"--mac-address=02:42:{hardware}",
        f"--hostname={hostname}",
        f"--network-alias={hostname}",
        f"--network-alias={hostname}.local.hass.io",
        "--dns-search=local.hass.io",
    ]
    return [*flags, *(f"--add-host={name}:{known}" for name, known in HOSTS.items())]
