"""The image of solar_charger under plain Docker or podman: an options file, no Supervisor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.images.inside import mode_and_owner, service_process
from tests.images.plain import SECONDS, Run, gateway, plain_runs, until_healthy
from tests.stand.podman import podman
from tests.stand.supervisor import free_port
from tests.stand.waiting import wait_until

NAME = "solar_charger-plain"
STOP_SECONDS = 40
SIMULATED = {"source": "simulated", "vehicle_link": "simulated"}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts the image as its user does."""
    with plain_runs("solar_charger", tmp_path) as start:
        yield start


def test_an_options_file_is_enough(run: Run) -> None:
    port = free_port()
    container = run(SIMULATED, [f"--publish=127.0.0.1:{port}:8080"])
    assert "no Supervisor and no mqtt_host" in until_healthy(container)
    address = f"http://127.0.0.1:{port}"

    def production() -> Any:
        return requests.get(f"{address}/api/envoy_data", timeout=SECONDS).status_code == 200

    wait_until(production, SECONDS, "a reading of the simulated meter")
    # Nobody else's page comes in between here: it is on the published port.
    assert "text/html" in requests.get(f"{address}/", timeout=SECONDS).headers["Content-Type"]
    assert service_process(container, "solar_charger").uid == 65534
    assert mode_and_owner(container, "/run/solar_charger/options.json") == "400 nobody:nogroup"
    assert container.stop(STOP_SECONDS) == 0


def test_the_same_container_starts_again(run: Run) -> None:
    container = run(SIMULATED)
    until_healthy(container)
    assert container.stop(STOP_SECONDS) == 0
    podman("start", NAME)
    assert until_healthy(container).count("the API is on port 8080") == 2
    assert container.stop(STOP_SECONDS) == 0


def test_the_environment_steers_it(run: Run) -> None:
    page = free_port()
    container = run(
        SIMULATED,
        [f"--publish=127.0.0.1:{page}:8098"],
        SOLAR_CHARGER_PAGE_PORT="8098",
        SOLAR_CHARGER_PAGE_ALLOW=f"{gateway()}/32",
        SOLAR_CHARGER_API_PORT="0",
        SOLAR_CHARGER_DATA="/data/elsewhere",
        TZ="Asia/Tokyo",
    )
    log = until_healthy(container)
    assert "the page is on port 8098" in log
    assert "the API is on port" not in log
    assert requests.get(f"http://127.0.0.1:{page}/", timeout=SECONDS).status_code == 200
    assert mode_and_owner(container, "/data/elsewhere") == "700 nobody:nogroup"
    assert container.execute("test", "-e", "/data/solar_charger").returncode == 1


def test_the_ingress_port_is_closed_unless_a_network_is_allowed(run: Run) -> None:
    page = free_port()
    until_healthy(run(SIMULATED, [f"--publish=127.0.0.1:{page}:8099"]))
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{page}/", timeout=SECONDS)


def test_without_any_file_it_shows_what_is_missing(run: Run) -> None:
    log = until_healthy(run(None))
    assert "no options file /data/options.json, the defaults are used" in log
    assert "set vin" in log


def test_without_a_page_there_is_nothing_unhealthy(run: Run) -> None:
    container = run(SIMULATED, SOLAR_CHARGER_PAGE_PORT="0")
    container.wait_for_log("the API is on port 8080", SECONDS)
    assert container.healthy()


@pytest.mark.parametrize(
    ("options", "environment", "named"),
    [
        (None, {"SOLAR_CHARGER_OPTIONS": "/data/mine.json"}, "/data/mine.json does not exist"),
        ({}, {"SOLAR_CHARGER_PAGE_ALLOW": "my network"}, "option --page-allow:"),
        ({"max_amps": 0}, {}, "option max_amps:"),
        ({}, {"SOLAR_CHARGER_SPEED": "60"}, "option --speed:"),
    ],
)
def test_what_cannot_be_used_ends_the_container_with_one(
    run: Run, options: dict[str, Any] | None, environment: dict[str, str], named: str
) -> None:
    container = run(options, **environment)
    assert container.wait(SECONDS) == 1
    (fatal,) = [line for line in container.logs().splitlines() if "FATAL" in line]
    assert named in fatal
