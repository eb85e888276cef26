"""The page as a browser and Home Assistant meet it: who gets in, what it says, what it can do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp_proxy.errors import OptionError
from ocpp_proxy.page.advice import ADVICE
from ocpp_proxy.page.door import same_site
from ocpp_proxy.page.live import MOST_STREAMS
from ocpp_proxy.page.server import Page
from ocpp_proxy.page.watch import Watch
from ocpp_proxy.testing.central_system import CentralSystem
from ocpp_proxy.testing.wallbox import Wallbox
from ocpp_proxy.testing.wallbox_quirks import ACTEC
from websockets.exceptions import InvalidStatus

from tests.ocpp_proxy.harness import (
    SOON,
    Central,
    central_system,
    charger,
    free_port,
    proxy_process,
)
from tests.ocpp_proxy.paged import PREFIX, Paged, ask, begun, forget, ingress, paged, shown, state
from tests.ocpp_proxy.proxied import UNHURRIED

WALL = 1_795_262_400.0
BOOT = {"chargePointVendor": "Example", "chargePointModel": "One", "firmwareVersion": "1.2"}
ONLY_ME = ("127.0.0.1/32",)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
async def central() -> AsyncIterator[Central]:
    async with central_system() as central:
        central.reply = _accept
        yield central


@pytest.fixture
async def at(tmp_path: Path, central: Central) -> AsyncIterator[Paged]:
    async with paged(tmp_path, central.port) as at:
        yield at


def _accept(message: str | bytes) -> str | None:
    call = json.loads(message)
    return json.dumps([3, call[1], {"status": "Accepted"}]) if call[0] == 2 else None


def call(number: str, action: str, **payload: Any) -> str:
    return json.dumps([2, number, action, payload])


# Who gets in.


async def test_a_stranger_is_cut_off_before_any_http(tmp_path: Path, central: Central) -> None:
    async with paged(tmp_path, central.port, always=ONLY_ME) as at:
        assert (await ask(at.page)).status == 200
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", at.page.port, local_addr=("127.0.0.2", 0)
        )
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), SOON)
        writer.close()
        with pytest.raises(aiohttp.ClientError):
            await ask(at.page, "/health", source="127.0.0.2")


async def test_an_allowed_network_gets_everything(tmp_path: Path, central: Central) -> None:
    async with paged(tmp_path, central.port, always=ONLY_ME, page_allow=("127.0.0.2/31",)) as at:
        assert (await ask(at.page, source="127.0.0.3")).status == 200
        assert (await ask(at.page, "/health", source="127.0.0.2")).status == 200
        with pytest.raises(aiohttp.ClientError):
            await ask(at.page, source="127.0.0.4")


async def test_a_port_that_is_taken_is_said_as_the_option_it_is(at: Paged) -> None:
    taken = replace(at.proxy.settings, page_host="127.0.0.1", page_port=at.page.port)
    with pytest.raises(OptionError, match="--page-port"):
        await Page(taken, at.proxy, Watch()).start()


async def test_the_program_serves_its_page_and_stops_with_it(tmp_path: Path) -> None:
    port = str(free_port())
    async with (
        central_system() as central,
        proxy_process(
            tmp_path, "--page-port", port, "--page-host", "127.0.0.1",
            options={"target_url": central.url},
        ) as process,
    ):  # fmt: skip
        await begun(process, "the page is on")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/health") as answer:
                assert answer.status == 200
            async with session.get(f"http://127.0.0.1:{port}/events") as stream:
                await stream.content.readline()
                assert await process.stop() == 0


async def test_without_a_page_its_libraries_are_not_loaded(tmp_path: Path) -> None:
    async with (
        central_system() as central,
        proxy_process(tmp_path, options={"target_url": central.url}) as process,
    ):
        await begun(process)
        assert "aiohttp" not in mapped(process.pid)


def mapped(pid: int) -> str:
    """The libraries a process has loaded."""
    return Path(f"/proc/{pid}/maps").read_text()


# What every answer carries, and prefixes.


@pytest.mark.parametrize("path", ["/", "/health", "/api/state", "/static/page.js", "/nowhere"])
async def test_every_answer_is_protected(path: str, at: Paged) -> None:
    headers = (await ask(at.page, path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers
    assert "aiohttp" not in headers["Server"]


async def test_the_page_has_relative_links_and_no_inline_script(at: Paged) -> None:
    text = (await ask(at.page)).text
    assert 'src="/' not in text
    assert 'href="/' not in text
    assert "<script>" not in text
    assert "style=" not in text
    assert "<base" not in text


async def test_behind_ingress_links_are_looked_up_under_its_path(at: Paged) -> None:
    async with ingress(at.page) as (url, _), aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            assert f'<base href="{PREFIX}/">' in await answer.text()
        for path in ("static/page.css", "api/state", "health"):
            async with session.get(url + path) as answer:
                assert answer.status == 200


@pytest.mark.parametrize("prefix", ['/x"><script>', "//evil.example", "javascript:x", "/a b"])
async def test_a_prefix_that_is_none_is_ignored(prefix: str, at: Paged) -> None:
    answer = await ask(at.page, headers={"X-Ingress-Path": prefix})
    assert "<base" not in answer.text
    assert "evil" not in answer.text


# What it says.


async def test_the_state_of_a_charging_wallbox(tmp_path: Path) -> None:
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        paged(tmp_path, system.port, pace={"ping_interval": 0.05}) as at,
        Wallbox("AcTec001", f"ws://127.0.0.1:{at.proxy.port}", ACTEC_QUICK) as box,
    ):
        await system.events.wait_for("operational")
        await box.charge()
        await box.send_meter_values(1)
        found = await shown(
            at.page, lambda s: s["stations"][0]["connectors"] and full(s["stations"][0])
        )
        station = found["stations"][0]
        assert station["id"] == "AcTec001"
        assert station["connected"]
        assert station["upstream"] == "connected"
        assert station["peer"] == "127.0.0.1"
        assert station["subprotocol"] == "ocpp1.6"
        assert (station["vendor"], station["model"]) == ("AcTEC", "EV-AC22K")
        assert station["firmware"] == "V1.17.9"
        connector = station["connectors"][0]
        assert connector["status"] == "Charging"
        assert connector["power"] > 1000
        assert connector["running"]
        assert connector["transaction"] == box.connectors[1].transaction.id  # type: ignore[union-attr]


ACTEC_QUICK = ACTEC.__class__(boot=ACTEC.boot, target="//{id}")


def full(station: Any) -> bool:
    connector = station["connectors"][0]
    known = (connector["power"], connector["transaction"], station["latency_charger"])
    return connector["status"] == "Charging" and all(known)


async def test_it_tells_when_upstream_is_away_and_when_the_wallbox_is_gone(
    tmp_path: Path,
) -> None:
    async with CentralSystem(timing=UNHURRIED) as system, paged(tmp_path, system.port) as at:
        async with charger(at.proxy.port) as box:
            await box.send(call("1", "BootNotification", **BOOT))
            await shown(at.page, lambda s: s["stations"][0]["upstream"] == "connected")
            await system.stop()
            await shown(at.page, lambda s: s["stations"][0]["upstream"] == "away")
        found = await shown(at.page, lambda s: not s["stations"][0]["connected"])
        assert found["stations"][0]["upstream"] == "none"
        assert found["stations"][0]["model"] == "One"


async def test_a_station_of_an_earlier_run_is_shown_with_what_its_boot_said(
    tmp_path: Path, central: Central
) -> None:
    saved = {"CP9": {"boot": json.dumps(BOOT), "seen": int(WALL)}}
    (tmp_path / "stations.json").write_text(json.dumps({"format": 1, "stations": saved}))
    async with paged(tmp_path, central.port) as at:
        station = (await state(at.page))["stations"][0]
        assert (station["id"], station["model"], station["connected"]) == ("CP9", "One", False)
        assert station["seen"] == "2026-11-21T12:00:00.000Z"


async def test_messages_have_action_size_latency_and_masked_content(at: Paged) -> None:
    async with charger(at.proxy.port) as box:
        await box.send(call("7", "Authorize", idTag="04A2B3C4D5E69F"))
        found = await shown(at.page, lambda s: len(s["messages"]) == 2)
        asked, answered = found["messages"]
        assert (asked["station"], asked["direction"], asked["kind"]) == ("CP1", "up", "CALL")
        assert (asked["action"], asked["id"], asked["ms"]) == ("Authorize", "7", None)
        assert asked["size"] == len(call("7", "Authorize", idTag="04A2B3C4D5E69F"))
        assert "04A2…9F" in asked["payload"]
        assert "B3C4" not in json.dumps(found)
        assert (answered["direction"], answered["action"]) == ("down", "Authorize")
        assert answered["ms"] >= 0


async def test_only_news_come_after_the_last_message_known(at: Paged) -> None:
    async with charger(at.proxy.port) as box:
        for number in range(150):
            await box.send(json.dumps([4, str(number), "x", "", {}]))
        await shown(at.page, lambda s: s["more"])
        seen: list[str] = []
        cursor, more = "", True
        async with asyncio.timeout(SOON):
            while more or len(seen) < 150:
                part = await state(at.page, cursor)
                seen += [each["id"] for each in part["messages"]]
                more = part["more"]
                cursor = f"{part['run']}-{len(seen)}"
        assert seen == [str(number) for number in range(150)]
        assert len((await state(at.page, "otherrun-149"))["messages"]) == 100
        assert len((await state(at.page, "-".join([cursor, "x"])))["messages"]) == 100


async def test_a_refused_wallbox_is_shown_with_what_to_change(at: Paged) -> None:
    for _ in range(3):
        with pytest.raises(InvalidStatus):
            async with charger(at.proxy.port, "/"):
                pass
    refused = (await state(at.page))["refused"]
    assert len(refused) == 1
    assert refused[0]["count"] == 3
    assert (refused[0]["address"], refused[0]["status"]) == ("127.0.0.1", 404)
    assert "default_station_id" in refused[0]["advice"]


@pytest.mark.parametrize(
    ("options", "path", "offered", "cause"),
    [
        ({}, "/CP1", ["ocpp2.0.1"], "subprotocol"),
        ({}, "/a%00b", ["ocpp1.6"], "bad address"),
        ({"stations": [{"id": "A"}], "allow_unknown_stations": False}, "/CP1", ["ocpp1.6"],
         "not listed"),
        ({"stations": [{"id": "CP1", "password": "a-long-password"}]}, "/CP1", ["ocpp1.6"],
         "no password"),
        ({"target_url": "ws://127.0.0.1:1"}, "/CP1", ["ocpp1.6"], "upstream unreachable"),
    ],
)  # fmt: skip
async def test_each_cause_is_told_apart(
    options: dict[str, Any], path: str, offered: list[Any], cause: str, tmp_path: Path,
    central: Central,
) -> None:  # fmt: skip
    target = options.pop("target_url", central.url)
    async with paged(tmp_path, target, **options) as at:
        with pytest.raises(InvalidStatus):
            async with charger(at.proxy.port, path, subprotocols=offered):
                pass
        found = (await state(at.page))["refused"]
        assert [each["cause"] for each in found] == [cause]
        assert found[0]["advice"] == ADVICE[cause]


# Streams.


async def events(stream: aiohttp.ClientResponse) -> Any:
    async with asyncio.timeout(SOON):
        while not (line := await stream.content.readline()).startswith(b"data: "):
            pass
    return json.loads(line.removeprefix(b"data: "))


async def test_a_stream_brings_everything_once_and_then_what_changed(at: Paged) -> None:
    async with aiohttp.ClientSession() as session, session.get(at.url + "events") as stream:
        assert stream.content_type == "text/event-stream"
        first = await events(stream)
        assert (first["stations"], first["refused"]) == ([], [])
        async with charger(at.proxy.port) as box:
            await box.send(call("1", "Heartbeat"))
            messages: list[Any] = []
            stations: list[Any] = []
            while len(messages) < 2 or not stations:
                news = await events(stream)
                messages += news.get("messages", [])
                stations = news.get("stations", stations)
                assert "refused" not in news
            assert stations[0]["connected"]


async def test_more_streams_than_allowed_are_refused_and_places_come_free(at: Paged) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        streams = [await session.get(at.url + "events") for _ in range(MOST_STREAMS)]
        async with session.get(at.url + "events") as refused:
            assert refused.status == 503
        streams.pop().close()
        async with asyncio.timeout(SOON):
            while (again := await session.get(at.url + "events")).status != 200:
                again.close()
        for stream in [again, *streams]:
            stream.close()


# Downloads.


async def test_the_ring_is_downloaded_as_lines_of_json(at: Paged) -> None:
    async with charger(at.proxy.port) as box:
        await box.send(call("1", "Heartbeat"))
        await shown(at.page, lambda s: len(s["messages"]) == 2)
        answer = await ask(at.page, "/download/messages")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="ocpp-messages-')
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["action"] for line in lines] == ["Heartbeat", "Heartbeat"]


# Forgetting.


async def test_a_forgotten_station_is_gone_everywhere(tmp_path: Path, central: Central) -> None:
    withdrawn: list[str] = []

    def withdraw(station: str) -> bool:
        withdrawn.append(station)
        return True

    async with paged(tmp_path, central.port, more={"withdraw": withdraw}) as at:
        async with charger(at.proxy.port) as box:
            await box.send(call("1", "BootNotification", **BOOT))
            await shown(at.page, lambda s: s["stations"])
        await shown(at.page, lambda s: not s["stations"][0]["connected"])
        assert (await forget(at.page, "CP1")).json == {"forgotten": "CP1"}
        assert (await state(at.page))["stations"] == []
    assert withdrawn == ["CP1"]
    assert json.loads((tmp_path / "stations.json").read_text())["stations"] == {}


async def test_a_connected_station_stays_connected_and_loses_its_boot(at: Paged) -> None:
    async with charger(at.proxy.port) as box:
        await box.send(call("1", "BootNotification", **BOOT))
        await shown(at.page, lambda s: s["stations"] and s["stations"][0]["model"] == "One")
        assert (await forget(at.page, "CP1")).status == 200
        found = await shown(at.page, lambda s: s["stations"][0]["model"] == "")
        assert found["stations"][0]["connected"]


async def test_a_station_nobody_knows_cannot_be_forgotten(at: Paged) -> None:
    answer = await forget(at.page, "nobody")
    assert answer.status == 404
    assert "not known" in answer.json["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
async def test_another_site_cannot_press_the_button(
    headers: dict[str, str], status: int, at: Paged
) -> None:
    at.proxy.stations.station("CP1")
    assert (await forget(at.page, "CP1", **headers)).status == status
    assert at.proxy.stations.find("CP1")


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"station": 5}', "[" * 8000, "\xff"])
async def test_nonsense_is_answered_as_such(body: str, at: Paged) -> None:
    answer = await ask(
        at.page, "/api/forget", method="POST", data=body.encode("latin-1"),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status == 400


async def test_the_button_works_through_ingress(at: Paged) -> None:
    at.proxy.stations.station("CP1")
    async with ingress(at.page) as (url, _), aiohttp.ClientSession() as session:
        headers = {"Origin": url.split("/api")[0], "Content-Type": "application/json"}
        async with session.post(
            url + "api/forget", data='{"station": "CP1"}', headers=headers
        ) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("origin", "host", "forwarded", "same"),
    [
        ("http://box:8099", "box:8099", "", True),
        ("https://ha.example", "172.30.33.4:8099", "ha.example", True),
        ("https://ha.example", "172.30.33.4:8099", "HA.example:443, inner", True),
        ("https://ha.example", "ha.example.evil", "", False),
        ("https://ha.example:444", "ha.example", "ha.example", False),
        ("file://", "box", "", False),
        ("http://[bad", "box", "", False),
    ],
)
def test_the_origin_must_be_the_host_asked_for(
    origin: str, host: str, forwarded: str, same: bool
) -> None:
    headers = {"Origin": origin, "Host": host, "X-Forwarded-Host": forwarded}
    assert same_site(headers) is same


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=500)  # urlsplit is the only reader here, and has its own tests
def test_no_origin_or_host_makes_it_fail(origin: str, host: str) -> None:
    assert same_site({"Origin": origin, "Host": host}) in (True, False)


# What wallboxes may send.


@pytest.mark.parametrize(
    "path", ["/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/%22%3E%3Cimg%20src=x%3E", "/%E2%80%AE"]
)
async def test_a_hostile_id_stays_data(path: str, at: Paged) -> None:
    async with charger(at.proxy.port, path) as box:
        await box.send(call(SCRIPT, SCRIPT, x=SCRIPT))
        found = await shown(at.page, lambda s: s["messages"])
        assert found["messages"][0]["action"] == SCRIPT[:64]
        answer = await ask(at.page, "/api/state")
        assert answer.headers["Content-Type"].startswith("application/json")
        assert SCRIPT not in (await ask(at.page)).text
