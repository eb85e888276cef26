"""The page in a browser, through Home Assistant's prefix, while a simulated wallbox charges.

With PAGE_SCREENSHOT set, or while there is none, the picture of the documentation is made anew.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from ocpp_proxy.testing.central_system import CentralSystem
from ocpp_proxy.testing.central_timing import Timing
from ocpp_proxy.testing.wallbox import Wallbox
from ocpp_proxy.testing.wallbox_quirks import ACTEC, PLAIN
from websockets.exceptions import InvalidStatus

from tests.environments import ROOT
from tests.ocpp_proxy.harness import SOON, charger, free_port, until
from tests.ocpp_proxy.paged import PREFIX, Paged, ingress, paged, shown

pytest.importorskip("playwright", reason="Playwright is not installed")
from playwright.async_api import Browser, expect

from tests.ocpp_proxy.browsing import CHROMIUM, PATIENCE, chromium, view

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"Chromium is not installed ({CHROMIUM})"),
]

PICTURE = ROOT / "ocpp_proxy" / "art" / "page.png"
SCRIPT = "<img src=x onerror=alert(1)>"
BOX = replace(
    ACTEC, ignores=frozenset(), heartbeat_every=5.0, firmware_status_every=None,
    phase_values_only=False, limit_units=PLAIN.limit_units,
    extra_headers=(("X-Forwarded-For", "192.168.1.50"),),
)  # fmt: skip

expect.set_options(timeout=PATIENCE)


@dataclass
class Scene:
    """A wallbox that charges under a central system, behind the page."""

    at: Paged
    url: str
    box: Wallbox
    system: CentralSystem


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("data")
    timing = Timing(knows_after=0.0, meter_interval=1.0, control_interval=5.0)
    async with (
        CentralSystem(host="localhost", timing=timing) as system,
        paged(
            folder, system.url, pace={"ping_interval": 1.0}, trusted_proxies=["127.0.0.1/32"]
        ) as at,
        ingress(at.page) as (url, _),
        Wallbox("AcTec001", f"ws://127.0.0.1:{at.proxy.port}", BOX) as box,
    ):
        await system.events.wait_for("operational", within=30)
        await box.charge()
        await system.set_limit("AcTec001", 11)
        await refuse(at, "/WB-7", "ocpp2.0.1")
        await shown(at.page, lambda s: charging(s["stations"][0]))
        yield Scene(at, url, box, system)


def charging(station: dict[str, object]) -> bool:
    connectors = station["connectors"]
    assert isinstance(connectors, list)
    return bool(connectors and connectors[0]["power"] and connectors[0]["transaction"])


async def refuse(at: Paged, path: str, subprotocol: str) -> None:
    with pytest.raises(InvalidStatus):
        async with charger(
            at.proxy.port, path, subprotocols=[subprotocol],
            additional_headers={"X-Forwarded-For": "192.168.1.77"},
        ):  # fmt: skip
            pass


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_it_is_sound_at_each_width_and_scheme(
    width: int, scheme: str, scene: Scene, browser: Browser
) -> None:
    async with view(browser, scene.url, width=width, scheme=scheme) as seen:
        page = seen.page
        await expect(page.get_by_test_id("station")).to_have_count(1)
        await expect(page.get_by_test_id("station-state")).to_have_text("Connected")
        await expect(page.get_by_test_id("power")).to_contain_text("kW")
        await expect(page.get_by_test_id("advice")).to_contain_text("OCPP 1.6-J")
        await expect(page.get_by_test_id("live")).to_have_text("Live")
        newest = await page.get_by_test_id("message").first.inner_text()
        await expect(page.get_by_test_id("message").first).not_to_have_text(
            newest, use_inner_text=True
        )
        await page.get_by_test_id("how").locator("summary").click()
        await page.get_by_test_id("message").nth(3).locator("summary").click()
        assert await seen.axe() == []
        assert await seen.overflow() == 0
        assert await seen.shifts() == []
        assert seen.errors == []
        assert seen.others(scene.url) == []


async def test_the_picture_of_the_documentation(
    scene: Scene, browser: Browser, tmp_path: Path
) -> None:
    wanted = bool(os.environ.get("PAGE_SCREENSHOT")) or not PICTURE.exists()
    async with view(browser, scene.url, width=1100, height=1440) as seen:
        page = seen.page
        await expect(page.get_by_test_id("message").nth(20)).to_be_attached()
        await expect(page.get_by_test_id("message").first).to_be_visible()
        target = PICTURE if wanted else tmp_path / "page.png"
        await page.screenshot(path=target, animations="disabled")
        assert target.stat().st_size > 10_000


async def test_a_message_opens_with_the_keyboard(scene: Scene, browser: Browser) -> None:
    async with view(browser, scene.url) as seen:
        page = seen.page
        # Otherwise another one would be the last of them while this is looked at.
        await page.get_by_test_id("pause").click()
        message = page.get_by_test_id("message").filter(has_text="MeterValues").last
        summary = message.locator("summary")
        await summary.focus()
        await page.keyboard.press("Enter")
        await expect(message.get_by_test_id("payload")).to_contain_text("MeterValues")
        text = await message.get_by_test_id("payload").inner_text()
        assert text.startswith("[\n")


async def test_filters_and_pause(scene: Scene, browser: Browser) -> None:
    async with view(browser, scene.url) as seen:
        page = seen.page
        visible = page.locator("[data-testid=message]:not([hidden])")
        await page.get_by_test_id("filter-action").select_option("Heartbeat")
        await expect(visible.filter(has_not_text="Heartbeat")).to_have_count(0)
        await expect(visible.first).to_be_visible()
        await page.get_by_test_id("filter-station").select_option("AcTec001")
        await expect(visible.first).to_be_visible()
        await page.get_by_test_id("filter-action").select_option("")
        pause = page.get_by_test_id("pause")
        await pause.click()
        await expect(pause).to_have_attribute("aria-pressed", "true")
        newest = await page.get_by_test_id("message").first.inner_text()
        await expect(pause).to_contain_text("new")
        assert await page.get_by_test_id("message").first.inner_text() == newest
        await pause.click()
        await expect(pause).to_have_text("Pause")
        assert await page.get_by_test_id("message").first.inner_text() != newest


async def test_without_a_stream_it_asks_now_and_then(scene: Scene, browser: Browser) -> None:
    async with (
        ingress(scene.at.page, holds_streams=True) as (url, between),
        view(browser, url) as seen,
    ):
        await expect(seen.page.get_by_test_id("live")).to_have_text("Delayed")
        await expect(seen.page.get_by_test_id("station-state")).to_have_text("Connected")
        asked = len(between.asked)
        await until(lambda: len(between.asked) > asked)
        assert seen.errors == []


async def test_the_messages_can_be_downloaded(scene: Scene, browser: Browser) -> None:
    async with view(browser, scene.url) as seen:
        async with seen.page.expect_download() as waiting:
            await seen.page.get_by_test_id("download").click()
        download = await waiting.value
        assert download.suggested_filename.endswith(".jsonl")
        path = await download.path()
        first = await asyncio.to_thread(lambda: path.read_text().splitlines()[0])
        assert json.loads(first)["station"] == "AcTec001"


async def test_a_page_without_wallboxes_says_what_to_enter(
    tmp_path: Path, browser: Browser
) -> None:
    async with paged(tmp_path, free_port()) as at:
        for width in (390, 1280):
            async with view(browser, at.url, width=width) as seen:
                await expect(seen.page.get_by_test_id("empty")).to_be_visible()
                address = await seen.page.get_by_test_id("address").inner_text()
                assert address.startswith("ws://")
                assert address.endswith(f":{at.proxy.port}/")
                await expect(seen.page.get_by_test_id("no-refused")).to_be_visible()
                assert await seen.axe() == []
                assert await seen.overflow() == 0
                assert await seen.shifts() == []
                assert seen.errors == []


async def test_a_wallbox_is_forgotten_after_a_question(tmp_path: Path, browser: Browser) -> None:
    async with (
        paged(tmp_path, free_port()) as at,
        ingress(at.page) as (url, _),
    ):
        at.proxy.stations.station("CP1")
        async with view(browser, url) as seen:
            page = seen.page
            await page.get_by_test_id("forget").click()
            dialog = page.get_by_test_id("forget-dialog")
            await expect(dialog).to_contain_text("Forget CP1?")
            assert await seen.axe() == []
            await page.keyboard.press("Escape")
            assert at.proxy.stations.find("CP1")
            await page.get_by_test_id("forget").click()
            await page.get_by_test_id("forget-confirm").click()
            await expect(dialog).to_be_hidden()
            await expect(page.get_by_test_id("station")).to_have_count(0)
            assert at.proxy.stations.find("CP1") is None
            assert seen.errors == []
            assert all(each.startswith(url) and PREFIX in each for each in seen.asked)


async def test_what_a_hostile_wallbox_sends_stays_text(
    scene: Scene, tmp_path: Path, browser: Browser
) -> None:
    async with paged(tmp_path, scene.system.url) as at:  # noqa: SIM117 - its port is asked for
        async with charger(at.proxy.port, "/%3Cimg%20src=x%20onerror=alert(1)%3E") as box:
            await box.send(json.dumps([2, SCRIPT, SCRIPT, {"x": SCRIPT, "y": "\u202e"}]))
            boot = {"chargePointVendor": SCRIPT, "chargePointModel": "</template>"}
            await box.send(json.dumps([2, "2", "BootNotification", boot]))
            await shown(at.page, lambda s: len(s["messages"]) > 2)
            async with view(browser, at.url) as seen:
                seen.page.on("dialog", lambda dialog: seen.errors.append(dialog.message))
                await expect(seen.page.get_by_test_id("station-id")).to_have_text(SCRIPT)
                await seen.page.get_by_test_id("message").last.locator("summary").click()
                async with asyncio.timeout(SOON):
                    assert await seen.page.locator("img[src=x]").count() == 0
                assert seen.errors == []
                assert seen.others(at.url) == []
