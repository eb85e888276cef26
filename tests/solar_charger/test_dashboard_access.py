"""Who may do what on which listener: addresses, keys, origins, sizes, types."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from solar_charger.dashboard import Listeners
from solar_charger.dashboard.door import ALWAYS, only
from solar_charger.dashboard.rules import Refusal, Site, check_post
from solar_charger.dashboard.server import Server
from solar_charger.errors import OptionError

from tests.solar_charger.dashboard_backend import (
    SOON,
    MadeBackend,
    Served,
    ask,
    free_port,
    serving,
)

MODE = "/api/charging/mode"
KEY = "a käy with ünicode"
API = Site("api", page=False, health=False, ingress=False, guarded=True)
KEYED = Site("api", page=True, health=False, ingress=False, guarded=True, api_key=KEY)
PAGE = Site("page", page=True, health=True, ingress=True, guarded=False)
JSON = "application/json"


@pytest.fixture(scope="module")
def keyed() -> Iterator[Served]:
    with serving(api_key=KEY) as served:
        yield served


@pytest.fixture(scope="module")
def supervised() -> Iterator[Served]:
    with serving(supervised=True) as served:
        yield served


def connect(port: int, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=SOON, source_address=(source, 0))


def test_a_stranger_at_the_page_is_cut_off_before_a_byte_is_read() -> None:
    with serving(always=("127.0.0.2/32",)) as served:
        for _ in range(3):
            # A reset, not an orderly end; it may be there before we have looked.
            with pytest.raises(ConnectionResetError):
                connect(served.server.page_port, "127.0.0.9").recv(1)
        with connect(served.server.page_port, "127.0.0.2") as friend:
            friend.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            assert b" 200 " in friend.recv(100)
        assert served.server.accepting


def test_networks_that_are_allowed_see_the_page() -> None:
    with serving(always=(), page_allow=("127.0.0.9/32",)) as served:
        with connect(served.server.page_port, "127.0.0.9") as friend:
            friend.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b" 200 " in friend.recv(100)
        with pytest.raises(ConnectionResetError):
            connect(served.server.page_port, "127.0.0.1").recv(1)


def test_without_further_ado_only_the_supervisor_and_this_machine_are_welcome() -> None:
    welcome = only((), ALWAYS)
    for friend in ("172.30.32.2", "127.0.0.1", "::1", "::ffff:172.30.32.2"):
        assert welcome(friend)
    for stranger in ("172.30.32.1", "172.30.33.4", "192.168.1.7", "10.0.0.1", "8.8.8.8", ""):
        assert not welcome(stranger)


def test_an_api_under_a_supervisor_has_neither_page_nor_own_api_nor_health(
    supervised: Served,
) -> None:
    assert ask(supervised.api + "/api/charging/config").status_code == 200
    for path in ("/", "/health", "/api/v1/state", "/api/v1/stream", "/static/page.js"):
        assert ask(supervised.api + path).status_code == 404
        if path != "/api/v1/stream":
            assert ask(supervised.page + path).status_code == 200
    assert ask(supervised.api + "/api/v1/charge", "POST", json={}).status_code == 404


def test_without_a_supervisor_the_api_has_the_page_but_never_health(keyed: Served) -> None:
    assert "<title>Solar charger" in ask(keyed.api + "/").text
    assert ask(keyed.api + "/api/v1/state").status_code == 200
    assert ask(keyed.api + "/health").status_code == 404
    assert ask(keyed.page + "/health").status_code == 200


def test_a_key_is_wanted_for_every_command_on_the_api_and_never_on_the_page(
    keyed: Served,
) -> None:
    encoded = KEY.encode()
    for headers, status in (
        ({}, 401), ({"X-API-Key": b"wrong"}, 401), ({"X-API-Key": b""}, 401),
        ({"X-API-Key": encoded}, 200), ({"x-api-key": encoded}, 200),
    ):  # fmt: skip
        for path in (MODE, "/api/charging/solar_takeover"):
            answer = ask(keyed.api + path, "POST", json={"mode": "OFF"}, headers=headers)
            assert answer.status_code == status
            assert answer.json()["status"] == ("success" if status == 200 else "error")
    assert ask(keyed.page + MODE, "POST", json={"mode": "OFF"}).status_code == 200
    assert ask(keyed.api + "/api/envoy_data").status_code == 200


def test_a_refused_command_never_reaches_the_loop(keyed: Served) -> None:
    keyed.backend.requests.clear()
    ask(keyed.api + MODE, "POST", json={"mode": "MANUAL"})
    other = {"Origin": "http://evil.example"}
    ask(keyed.page + MODE, "POST", json={"mode": "MANUAL"}, headers=other)
    ask(keyed.page + MODE, "POST", data=b'{"mode": "MANUAL"}')
    assert keyed.backend.requests == []


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("192.168.1.20", None), ("10.1.2.3", None), ("172.30.32.1", None), ("127.0.0.1", None),
        ("169.254.7.7", None), ("fd00::7", None), ("fe80::1%eth0", None), ("::1", None),
        ("::ffff:192.168.1.20", None), ("8.8.8.8", 403), ("2001:4860::1", 403),
        ("::ffff:8.8.8.8", 403), ("", 403), ("nonsense", 403),
    ],
)  # fmt: skip
def test_without_a_key_commands_are_taken_from_private_addresses_only(
    peer: str, status: int | None
) -> None:
    refusal = check_post(API, {}, peer, 10, JSON)
    assert (refusal.status if refusal else None) == status


ORIGINS: list[tuple[Site, dict[str, str], bool]] = [
    (API, {}, True),
    (API, {"Origin": "http://charger:8080", "Host": "charger:8080"}, True),
    (API, {"Origin": "http://CHARGER", "Host": "charger:80"}, True),
    (API, {"Origin": "http://charger:8080", "Host": "charger"}, False),
    (API, {"Origin": "null", "Host": "charger"}, False),
    (API, {"Origin": "", "Host": "charger"}, False),
    (API, {"Origin": "http://", "Host": ""}, False),
    (API, {"Origin": "http://evil.example", "Host": "charger:8080"}, False),
    (API, {"Origin": "http://[::1", "Host": "charger"}, False),
    (API, {"Origin": "http://[fd00::7]:8080", "Host": "[fd00::7]:8080"}, True),
    # On the open listener nobody may say that he is somebody else's proxy.
    (API, {"Origin": "http://ha", "Host": "charger", "X-Forwarded-Host": "ha"}, False),
    (PAGE, {"Origin": "https://ha.example", "Host": "172.30.33.5:8099",
            "X-Forwarded-Host": "ha.example"}, True),
    (PAGE, {"Origin": "http://ha:8123", "Host": "x", "X-Forwarded-Host": "ha:8123"}, True),
    (PAGE, {"Origin": "http://127.0.0.1:8099", "Host": "127.0.0.1:8099"}, True),
    # Where it is sent, it counts alone.
    (PAGE, {"Origin": "http://c:8099", "Host": "c:8099", "X-Forwarded-Host": "ha"}, False),
    (PAGE, {"Origin": "https://evil.example", "Host": "x", "X-Forwarded-Host": "ha"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("site", "headers", "welcome"), ORIGINS)
def test_a_browser_may_command_from_our_own_page_only(
    site: Site, headers: dict[str, str], welcome: bool
) -> None:
    refusal = check_post(site, headers, "192.168.1.20", 10, JSON)
    assert (refusal is None) == welcome
    assert welcome or isinstance(refusal, Refusal)
    assert refusal is None or refusal.status == 403


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200), ("application/json; charset=utf-8", 200),
        ("APPLICATION/JSON", 200), ("text/plain", 415), ("application/x-www-form-urlencoded", 415),
        ("application/jsonp", 415), ("", 415), (None, 415),
    ],
)  # fmt: skip
def test_a_body_must_say_that_it_is_json(
    supervised: Served, content_type: str | None, status: int
) -> None:
    headers: dict[str, Any] = {} if content_type is None else {"Content-Type": content_type}
    answer = ask(supervised.api + MODE, "POST", data=b'{"mode": "OFF"}', headers=headers)
    assert answer.status_code == status
    assert "status" in answer.json()


def test_a_command_without_a_body_needs_no_type(supervised: Served) -> None:
    assert ask(supervised.api + "/api/charging/solar_takeover", "POST").status_code == 200


@pytest.mark.parametrize(("size", "status"), [(65536, 400), (65537, 413), (900_000, 413)])
def test_a_body_above_64_kb_is_refused(supervised: Served, size: int, status: int) -> None:
    for chunked in (False, True):
        raw: Any = iter([b" " * size]) if chunked else b" " * size
        answer = ask(supervised.api + MODE, "POST", data=raw, headers={"Content-Type": JSON})
        assert answer.status_code == status
        assert answer.json()["status"] == "error"


def test_a_body_that_never_ends_is_cut(supervised: Served) -> None:
    head = b"POST /api/charging/mode HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
    with connect(supervised.server.api_port, "127.0.0.1") as sock:
        sock.sendall(head)
        assert b" 413 " in sock.recv(4096)


def test_half_sent_requests_hold_nobody_up(supervised: Served) -> None:
    half = [connect(supervised.server.api_port, "127.0.0.1") for _ in range(50)]
    for sock in half:
        sock.sendall(b"POST /api/charging/mode HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    for _ in range(10):
        assert ask(supervised.api + "/api/charging/config").status_code == 200
    for sock in half:
        sock.close()


def test_the_page_stands_under_the_prefix_ingress_names(supervised: Served) -> None:
    prefix = "/api/hassio_ingress/Made-Up_Token"
    page = ask(supervised.page + "/", headers={"X-Ingress-Path": prefix}).text
    assert f'<base href="{prefix}/">' in page
    assert "<base" not in ask(supervised.page + "/").text
    for bad in ('/x"><script>', "//evil.example", "http://evil.example", "/a b", "x"):
        assert "<base" not in ask(supervised.page + "/", headers={"X-Ingress-Path": bad}).text


def test_a_prefix_on_the_open_listener_is_ignored(keyed: Served) -> None:
    assert "<base" not in ask(keyed.api + "/", headers={"X-Ingress-Path": "/evil"}).text


def test_no_link_of_the_page_leaves_its_prefix(supervised: Served) -> None:
    page = ask(supervised.page + "/").text
    for beginning in ('href="/', 'src="/', "http://", "https://", 'href="//'):
        assert beginning not in page


@pytest.mark.parametrize("name", ["page", "api"])
def test_a_taken_port_is_named_with_its_option(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"page_port": free_port(), "api_port": free_port()}
        ports[f"{name}_port"] = taken.getsockname()[1]
        wanted = Listeners(
            page_host="127.0.0.1", page_port=ports["page_port"],
            api_host="127.0.0.1", api_port=ports["api_port"],
        )  # fmt: skip
        with pytest.raises(OptionError, match=f"--{name}-port"):
            Server(MadeBackend(), wanted)
        # The other port was given back.
        other = ports["api_port" if name == "page" else "page_port"]
        socket.create_server(("127.0.0.1", other)).close()


def test_an_address_that_is_not_ours_is_named() -> None:
    wanted = Listeners(page_host="203.0.113.1", page_port=free_port(), api_port=0)
    with pytest.raises(OptionError, match="--page-host"):
        Server(MadeBackend(), wanted)


def test_both_kinds_of_addresses_reach_a_listener_on_all_of_them() -> None:
    with serving(page_host="::", api_port=0) as served:
        for host in ("127.0.0.1", "[::1]"):
            assert ask(f"http://{host}:{served.server.page_port}/health").status_code == 200
        assert served.server.api_port == 0


def test_after_the_end_nobody_listens() -> None:
    with serving() as served:
        page, api = served.page, served.api
    assert not served.server.accepting
    for url in (page, api):
        with pytest.raises(requests.ConnectionError):
            ask(url + "/api/charging/config")


def test_a_server_that_never_started_gives_its_ports_back() -> None:
    port = free_port()
    wanted = Listeners(page_host="127.0.0.1", page_port=port, api_port=0)
    server = Server(MadeBackend(), wanted)
    assert not server.accepting
    server.stop()
    socket.create_server(("127.0.0.1", port)).close()
