"""The life of ocpp_proxy's image: start, stop, wrong options, killed processes, certificates."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.images.far_sides import STATION, central_system, wallbox
from tests.images.inside import mode_and_owner, processes, readable, service_process
from tests.stand.broker import make_certificates
from tests.stand.fixtures import StartApp
from tests.stand.stand import Stand
from tests.stand.supervisor import RunningApp
from tests.stand.waiting import wait_until

SERVICES = ("init-token", "init-options", "init-certificates", "svc-certificates", "svc-ocpp-proxy")
CHATTY = {"S6_VERBOSITY": "2"}  # the lines of s6 about each service
START_SECONDS = 60
RESTART_SECONDS = 30
LOOK_SECONDS = 60  # the copier's pause between two looks


def started(log: str) -> set[str]:
    return set(re.findall(r"service (\S+) successfully started", log))


def stopped(log: str) -> set[str]:
    return set(re.findall(r"service (\S+) successfully stopped", log))


def end(proxy: RunningApp) -> int:
    """The exit code of a container that ends by itself."""
    return proxy.container.wait(START_SECONDS)


def test_a_stop_with_a_wallbox_connected_ends_every_service(app: StartApp) -> None:
    proxy = app("ocpp_proxy", environment=CHATTY)
    url = f"ws://127.0.0.1:{proxy.port('8888/tcp')}"
    with central_system() as evcc, wallbox(url) as box:
        evcc.wait_for(f"{STATION} boot")
        evcc.wait_for(f"{STATION} status")
        assert proxy.stop() == 0
        assert "disconnected code=1001" in box.wait_for("disconnected")
    log = proxy.logs()
    assert started(log) >= set(SERVICES)
    assert stopped(log) == started(log)
    assert "stopping: 1 wallboxes are told" in log
    assert log.rstrip().endswith("successfully stopped")


@pytest.mark.parametrize("service", SERVICES)
def test_a_stop_in_the_middle_of_the_start_keeps_the_time_limit(
    app: StartApp, service: str
) -> None:
    proxy = app("ocpp_proxy", environment=CHATTY, wait=False)
    proxy.container.wait_for_log(f"service {service}: starting", START_SECONDS)
    assert proxy.stop() in (0, 1), proxy.logs()[-2000:]
    log = proxy.logs()
    assert stopped(log) == started(log)
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"upstream_password": "of nobody"}, "option upstream_password:"),
        ({"rules": ["truncate_strings", "fix_timestamp"]}, "option rules[1]:"),
        ({"ssl": True}, "option certfile: /ssl/fullchain.pem cannot be read"),
        ({"target_host": "127.0.0.1", "target_port": 8888}, "option target_host:"),
    ],
)
def test_a_wrong_option_ends_the_app_with_one_clear_line(
    app: StartApp, options: dict[str, Any], named: str
) -> None:
    proxy = app("ocpp_proxy", options, wait=False)
    assert end(proxy) == 1
    log = proxy.logs()
    (fatal,) = [line for line in log.splitlines() if "FATAL" in line]
    assert named in fatal
    assert "of nobody" not in log
    assert "is started again" not in log


@pytest.mark.parametrize("command", ["-m ocpp_proxy", "copy-certificates"])
def test_a_killed_process_is_started_again_with_one_line(
    app: StartApp, ssl_folder: Path, command: str
) -> None:
    make_pair(ssl_folder)
    proxy = app("ocpp_proxy", {"ssl": True})

    def pids() -> list[int]:
        return [each.pid for each in processes(proxy.container) if command in each.command]

    (before,) = pids()
    proxy.container.execute("bash", "-c", f"kill -9 {before}")
    log = proxy.container.wait_for_log("is started again", RESTART_SECONDS)
    assert log.count("is started again") == 1
    assert "ended (code 256, signal 9)" in log
    proxy.wait_healthy(RESTART_SECONDS)
    # Healthy says nothing of the copier, which may just be starting.
    (after,) = wait_until(pids, RESTART_SECONDS, f"{command} running again")
    assert after != before
    assert proxy.stop() == 0


def test_what_is_known_of_a_wallbox_survives_a_restart(app: StartApp) -> None:
    proxy = app("ocpp_proxy")
    url = f"ws://127.0.0.1:{proxy.port('8888/tcp')}"
    with central_system() as evcc, wallbox(url):
        evcc.wait_for(f"{STATION} boot")
        evcc.wait_for(f"{STATION} status")
        assert proxy.restart() == 0
    assert "1 stations known" in proxy.logs()
    token = proxy.container.execute("cat", "/run/ocpp_proxy/supervisor_token").stdout
    assert token == proxy.entry.token


def test_a_restart_takes_the_new_options(app: StartApp) -> None:
    proxy = app("ocpp_proxy")
    proxy.restart({"target_host": "172.30.32.1", "target_port": 9999})
    assert "relaying to ws://172.30.32.1:9999" in proxy.logs()


# Certificates of /ssl, which are root's and which other apps renew.


@pytest.fixture
def ssl_folder(stand: Stand) -> Iterator[Path]:
    """The host's side of /ssl, empty again after the test."""
    folder = stand.supervisor.folder / "ssl"
    folder.mkdir(exist_ok=True)
    yield folder
    for path in folder.iterdir():
        path.unlink()


def make_pair(folder: Path) -> None:
    """`fullchain.pem` and `privkey.pem` as certificate programs leave them, and `ca.pem`."""
    make_certificates(folder)
    shutil.move(folder / "cert.pem", folder / "fullchain.pem")
    shutil.move(folder / "key.pem", folder / "privkey.pem")
    (folder / "privkey.pem").chmod(0o600)


def certificate_shown(proxy: RunningApp, authority: Path) -> str:
    """The certificate a wallbox is shown, as PEM; raises ssl.SSLError if it does not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority)
    address = ("127.0.0.1", proxy.port("8888/tcp"))
    with (
        socket.create_connection(address, timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        shown = tls.getpeercert(binary_form=True)
    assert shown is not None
    return ssl.DER_cert_to_PEM_cert(shown)


def copied(proxy: RunningApp) -> str:
    return proxy.container.execute("cat", "/run/ocpp_proxy/tls/fullchain.pem").stdout


def test_wallboxes_by_wss_see_the_certificate_of_ssl(app: StartApp, ssl_folder: Path) -> None:
    make_pair(ssl_folder)
    proxy = app("ocpp_proxy", {"ssl": True})
    shown = certificate_shown(proxy, ssl_folder / "ca.pem")
    assert shown.strip() in (ssl_folder / "fullchain.pem").read_text()
    url = f"wss://localhost:{proxy.port('8888/tcp')}"
    with central_system() as evcc, wallbox(url, "--ca", str(ssl_folder / "ca.pem")):
        evcc.wait_for(f"{STATION} boot")
    assert "port 8888 (wss)" in proxy.logs()


def test_the_copied_key_is_for_root_and_the_service_only(app: StartApp, ssl_folder: Path) -> None:
    make_pair(ssl_folder)
    container = app("ocpp_proxy", {"ssl": True}).container
    key = "/run/ocpp_proxy/tls/privkey.pem"
    assert mode_and_owner(container, "/run/ocpp_proxy/tls") == "750 root:ocpp_proxy"
    assert mode_and_owner(container, key) == "640 root:ocpp_proxy"
    assert readable(container, key, "ocpp_proxy")
    assert not readable(container, key, "nobody")
    assert not readable(container, "/ssl/privkey.pem", "ocpp_proxy")
    assert container.execute("ls", "/run/ocpp_proxy/tls").stdout.split() == [
        "fullchain.pem", "privkey.pem",
    ]  # fmt: skip


def test_a_renewed_pair_is_copied_and_served(app: StartApp, ssl_folder: Path) -> None:
    """The copier's look is asked for here; the program's own look is tested with the program."""
    make_pair(ssl_folder)
    proxy = app("ocpp_proxy", {"ssl": True})
    before = copied(proxy)
    make_pair(ssl_folder)
    assert proxy.container.execute("copy-certificates", "once").returncode == 0
    renewed = (ssl_folder / "fullchain.pem").read_text()
    assert copied(proxy) == renewed != before
    assert mode_and_owner(proxy.container, "/run/ocpp_proxy/tls/privkey.pem").startswith("640 ")
    proxy.container.execute("bash", "-c", f"kill -9 {service_process(proxy.container).pid}")
    proxy.container.wait_for_log("is started again", RESTART_SECONDS)
    proxy.wait_healthy(RESTART_SECONDS)
    assert certificate_shown(proxy, ssl_folder / "ca.pem").strip() in renewed


def test_a_pair_that_is_gone_for_a_while_costs_nothing(app: StartApp, ssl_folder: Path) -> None:
    make_pair(ssl_folder)
    proxy = app("ocpp_proxy", {"ssl": True})
    before = copied(proxy)
    (ssl_folder / "fullchain.pem").unlink()
    assert proxy.container.execute("copy-certificates", "once").returncode == 0
    assert copied(proxy) == before


@pytest.mark.long
def test_the_copier_finds_a_renewed_pair_by_itself(app: StartApp, ssl_folder: Path) -> None:
    make_pair(ssl_folder)
    proxy = app("ocpp_proxy", {"ssl": True})
    make_pair(ssl_folder)

    def same() -> bool:
        return copied(proxy) == (ssl_folder / "fullchain.pem").read_text()

    wait_until(same, LOOK_SECONDS + 30, "copy of the renewed certificate")
