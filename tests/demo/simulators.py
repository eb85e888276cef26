"""What stands for car, wallbox, evcc and sun in `make home`: programs of the apps' own fakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests import environments
from tests.demo.processes import Child
from tests.stand.network import GATEWAY


@dataclass(frozen=True)
class Simulator:
    """A module of the app's package with its arguments; `{8888/tcp}` becomes the host's port."""

    name: str
    arguments: tuple[str, ...]

    def start(self, app: str, ports: Mapping[str, int]) -> Child:
        """The running program; its lines appear with its name in front."""
        python = environments.make_ready(environments.app_environment(app))
        filled = [_filled(argument, ports) for argument in self.arguments]
        return Child(self.name, [str(python), "-m", *filled], (app,))


def _filled(argument: str, ports: Mapping[str, int]) -> str:
    for inside, outside in ports.items():
        argument = argument.replace(f"{{{inside}}}", str(outside))
    return argument


# What an app is told to have something to show: solar_charger has its made-up car and sun inside.
OPTIONS: dict[str, dict[str, object]] = {
    "solar_charger": {
        "source": "simulated",
        "vehicle_link": "simulated",
        "dry_run": False,
    },
}

# The far side an app dials to listens on the network's gateway, which apps call `homeassistant`.
SIMULATORS: dict[str, tuple[Simulator, ...]] = {
    "ocpp_proxy": (
        Simulator(
            "evcc",
            ("ocpp_proxy.testing", "central-system", "--host", GATEWAY, "--limits", "6,10,16,8"),
        ),
        Simulator(
            "wallbox",
            (
                "ocpp_proxy.testing",
                "wallbox",
                "--url",
                "ws://127.0.0.1:{8888/tcp}",
                "--charge-after",
                "2",
            ),
        ),
    ),
}
