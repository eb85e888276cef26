"""The image of ocpp_proxy under the stand-in Supervisor: who runs, who may see what."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.images.inside import mode_and_owner, processes, readable, service_process
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
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def started(stand: Stand) -> Iterator[tuple[RunningApp, float]]:
    """The app with default options, and the seconds until it was healthy."""
    app = read_app("ocpp_proxy")
    app_image(app)
    began = time.monotonic()
    running = stand.supervisor.start_app(app)
    yield running, time.monotonic() - began
    running.uninstall()


@pytest.fixture
def proxy(started: tuple[RunningApp, float]) -> RunningApp:
    return started[0]


def test_it_becomes_healthy_with_default_options(
    started: tuple[RunningApp, float], record_property: Record
) -> None:
    proxy, seconds = started
    size = int(podman("image", "inspect", "--format", "{{.Size}}", app_image(proxy.app)))
    figures = {"image_mb": round(size / 1e6), "start_seconds": round(seconds, 1)}
    for name, value in figures.items():
        record_property(name, value)
    print(f"ocpp_proxy: {figures}")
    assert proxy.container.healthy()
    assert "listening on 0.0.0.0 port 8888" in proxy.logs()
    assert "FATAL" not in proxy.logs()


def test_the_log_belongs_to_the_app(proxy: RunningApp) -> None:
    lines = proxy.logs().splitlines()
    assert lines
    shape = re.compile(r"\[\d\d:\d\d:\d\d\] [A-Z]+( \(\w+\))?: ")
    assert [line for line in lines if not shape.match(line)] == []


def test_a_browser_on_the_wallboxes_port_is_told_where_it_is(proxy: RunningApp) -> None:
    answer = requests.get(f"http://127.0.0.1:{proxy.port('8888/tcp')}/", timeout=SECONDS)
    assert answer.status_code == 200
    assert len(answer.text.splitlines()) == 1


def test_the_service_runs_as_its_own_user_without_capabilities(proxy: RunningApp) -> None:
    service = service_process(proxy.container)
    user = proxy.container.execute("id", "--user", "ocpp_proxy").stdout.strip()
    assert str(service.uid) == user
    assert service.uid != 0
    assert service.capabilities == 0


def test_the_token_is_in_no_environment_that_a_service_sees(proxy: RunningApp) -> None:
    token = proxy.entry.token
    for name in ("SUPERVISOR_TOKEN", "HASSIO_TOKEN"):
        shared = f"/run/s6/container_environment/{name}"
        assert proxy.container.execute("test", "-e", shared).returncode == 1
    holders = {each.pid for each in processes(proxy.container) if token in (each.environment or "")}
    assert holders <= {1}, "only the container's first process was given it, and it is root's"
    for user in ("ocpp_proxy", "nobody"):
        seen = [each.environment or "" for each in processes(proxy.container, user)]
        assert not any(token in environment for environment in seen)


def test_only_the_service_reads_token_and_options(proxy: RunningApp) -> None:
    container = proxy.container
    for name in ("supervisor_token", "options.json"):
        path = f"/run/ocpp_proxy/{name}"
        assert mode_and_owner(container, path) == "400 ocpp_proxy:ocpp_proxy"
        assert readable(container, path, "ocpp_proxy")
        assert not readable(container, path, "nobody")
    token = container.execute("cat", "/run/ocpp_proxy/supervisor_token").stdout
    assert token == proxy.entry.token
    assert not readable(container, "/data/options.json", "ocpp_proxy")


def test_what_the_service_keeps_is_closed_to_others(proxy: RunningApp) -> None:
    assert mode_and_owner(proxy.container, "/data/ocpp_proxy") == "700 ocpp_proxy:ocpp_proxy"
    denied = proxy.container.execute("touch", "/data/options.json", user="ocpp_proxy")
    assert denied.returncode != 0


def test_the_page_is_reached_through_ingress_with_all_its_parts(proxy: RunningApp) -> None:
    page = requests.get(proxy.page, timeout=SECONDS)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert proxy.entry.ingress_entry in page.text
    parts = set(re.findall(r'(?:href|src)="(static/[^"]+)"', page.text))
    assert parts
    for part in parts:
        answer = requests.get(f"{proxy.page}{part}", timeout=SECONDS)
        assert (answer.status_code, bool(answer.content)) == (200, True), part
    state = requests.get(f"{proxy.page}api/state", timeout=SECONDS)
    assert state.status_code == 200


def test_page_and_health_are_cut_off_for_all_others_on_the_network(proxy: RunningApp) -> None:
    def ask(port: int, path: str) -> int:
        url = f"http://{proxy.entry.address}:{port}{path}"
        return NEIGHBOUR.execute("curl", "--silent", "--max-time", "10", url).returncode

    assert ask(8888, "/") == 0
    assert ask(8099, "/") in CUT_OFF
    assert ask(8099, "/health") in CUT_OFF
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{proxy.entry.address}:8099/health", timeout=SECONDS)


def test_health_answers_inside(proxy: RunningApp) -> None:
    asked = proxy.container.execute("curl", "--silent", "--fail", "http://127.0.0.1:8099/health")
    assert asked.returncode == 0
    assert '"status": "ok"' in asked.stdout


def test_the_image_holds_no_fakes_no_compiler_and_no_pip(proxy: RunningApp) -> None:
    container = proxy.container
    package = "import ocpp_proxy, pathlib; print(pathlib.Path(ocpp_proxy.__file__).parent)"
    folder = container.execute("/opt/venv/bin/python", "-c", package).stdout.strip()
    assert container.execute("test", "-d", f"{folder}/page").returncode == 0
    assert container.execute("test", "-e", f"{folder}/testing").returncode == 1
    for module in ("pip", "setuptools", "ocpp"):
        for python in ("/opt/venv/bin/python", "/usr/bin/python3"):
            assert container.execute(python, "-c", f"import {module}").returncode == 1, module
    for program in ("gcc", "cc", "g++", "make", "pip", "pip3", "git"):
        assert container.execute("bash", "-c", f"type {program}").returncode == 1, program


def test_the_service_starts_from_compiled_files(proxy: RunningApp) -> None:
    """Its user may not write any beside the sources, so each start would compile all anew."""
    folder = "/opt/venv/lib/python3*/site-packages/ocpp_proxy/__pycache__"
    assert proxy.container.execute("bash", "-c", f"ls {folder}/server.*.pyc").returncode == 0
