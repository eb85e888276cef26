"""The page in a real browser: wide and narrow, light and dark, alone and behind ingress."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from solar_charger.commands import Action, Answer, refused
from solar_charger.control.decision import ControllerState
from solar_charger.dashboard.site import CHART

from tests.environments import ROOT
from tests.solar_charger.dashboard_backend import Served, audit_line, serving
from tests.solar_charger.ingress_proxy import PREFIX, ingress
from tests.stand.node import packages
from tests.tools import assets

CHROMIUM = Path("/usr/bin/chromium")
PICTURE = ROOT / "solar_charger" / "art" / "page.png"
PARTS = (
    "power-flow", "chart-24h", "mode-switch", "why", "sources-health", "audit-log",
    "next-decision", "sessions", "pairing", "settings", "diagnostics",
)  # fmt: skip
PATIENCE_MS = 30_000
SHIFTS = """
  globalThis.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (!entry.hadRecentInput) globalThis.shifted += entry.value;
    }
  }).observe({ type: "layout-shift", buffered: true });
"""

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}")
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assets.make_ready("solar_charger")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as running:
        yield running


@dataclass
class Seen:
    """A page and what went wrong on it."""

    page: Page
    troubles: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


@contextmanager
def opened(
    browser: Browser, url: str, *, width: int = 1280, scheme: Any = "light"
) -> Iterator[Seen]:
    """The page, its content shown; it must not have complained in the end."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce",
        timezone_id="UTC", locale="en-GB",
    )  # fmt: skip
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    seen = Seen(page)

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            seen.troubles.append(f"{message.text} {message.location.get('url')}")

    page.on("console", console)
    page.on("pageerror", lambda error: seen.troubles.append(str(error)))
    page.on("request", lambda request: seen.hosts.add(re.split("[/?]", request.url)[2]))
    page.add_init_script(SHIFTS)
    # The stream never ends, so there is no waiting for a quiet network.
    page.goto(url, wait_until="domcontentloaded")
    expect(page.locator("#content")).to_be_visible()
    try:
        yield seen
        assert seen.troubles == []
    finally:
        context.close()


def look_for_barriers(page: Page) -> list[str]:
    """What axe-core finds, as lines."""
    page.evaluate((packages() / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize(
    ("width", "scheme", "behind"),
    [
        (1280, "light", "alone"), (390, "light", "ingress"), (1280, "dark", "ingress"),
        (390, "dark", "alone"),
    ],
)  # fmt: skip
def test_the_page_is_whole_quiet_and_without_barriers(
    browser: Browser, served: Served, width: int, scheme: str, behind: str
) -> None:
    with ingress(served.server.page_port) as (prefixed, asked):
        url = prefixed if behind == "ingress" else served.page + "/"
        with opened(browser, url, width=width, scheme=scheme) as seen:
            page = seen.page
            for part in PARTS:
                expect(page.get_by_test_id(part)).to_be_visible()
            expect(page.locator("#chart-power canvas")).to_be_visible()
            expect(page.get_by_test_id("supply")).to_have_text("Online")
            for part in ("pairing", "settings", "diagnostics"):
                page.get_by_test_id(part).locator("summary").first.click()
            served.backend.swap(controller_state="night", text="It is night.")
            expect(page.get_by_test_id("why")).to_have_text("It is night.")
            assert look_for_barriers(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert seen.hosts == {url.split("/")[2]}
        assert all(path.startswith(PREFIX + "/") for path in asked)


ALARMS = (
    "stop_not_confirmed", "uncontrolled_charge", "start_without_current", "meter_stale",
    "emergency_no_progress", "fuse_no_data", "foreign_vehicle", "deadline_late",
    "meters_disagree", "relay_unreachable", "store_unwritable", "store_damaged",
    "source_refused", "unclean_restart", "bluetooth_adapter", "too_many_connections",
    "link_not_paired", "link_role", "link_disabled", "link_permission", "link_config",
)  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_no_state_of_control_has_barriers_or_runs_over_the_edge(
    browser: Browser, served: Served, width: int, scheme: str
) -> None:
    with opened(browser, served.page + "/", width=width, scheme=scheme) as seen:
        page = seen.page
        # Narrow, each third: an event comes at most each half second.
        for state in list(ControllerState)[1::3] if width == 390 else [ControllerState.STALE]:
            alarmed = state in (ControllerState.FAULT, ControllerState.STALE)
            text = f"{state.value}: a sentence about it."
            served.backend.swap(
                controller_state=state.value, text=text, alarms=ALARMS if alarmed else [],
                dry_run=state is not ControllerState.CHARGING, pending_normalization=alarmed,
                amps=None if alarmed else 0, plugged=None if alarmed else False,
            )  # fmt: skip
            expect(page.get_by_test_id("why")).to_have_text(text)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if alarmed:
                assert look_for_barriers(page) == []


def test_each_alarm_says_in_a_sentence_what_to_do(browser: Browser, served: Served) -> None:
    with opened(browser, served.page + "/") as seen:
        served.backend.swap(alarms=[*ALARMS, "a_later_one"])
        told = seen.page.get_by_test_id("alarms").locator("li")
        expect(told).to_have_count(len(ALARMS) + 1)
        texts = told.all_inner_texts()
        assert all(text.endswith(".") for text in texts[:-1])
        assert texts[-1] == "A later one"


def test_before_anything_is_known_the_page_says_what_to_do_first(
    browser: Browser, served: Served
) -> None:
    backend = served.backend
    backend.setup |= {
        "vin": False, "key": False, "link": None, "car_read": False, "can_go_live": False,
        "link_problem": "no vehicle identification number yet: set vin",
    }  # fmt: skip
    backend.journal.lines = []
    backend.swap(
        amps=None, own_w=None, grid_w=None, battery=None, car_limit=None, plugged=None,
        production_watts=None, available_w=None, session_energy=None, eta=None, target_amps=0,
    )  # fmt: skip
    with opened(browser, served.page + "/", width=390) as seen:
        page = seen.page
        expect(page.get_by_test_id("strip")).to_contain_text("Finish the set-up")
        expect(page.get_by_test_id("pairing")).to_contain_text("There is no way to it yet.")
        assert not re.search(r"None|null|undefined|NaN", page.locator("main").inner_text())
        assert look_for_barriers(page) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves_while_the_page_comes_in_and_lives(
    browser: Browser, served: Served, width: int
) -> None:
    with opened(browser, served.page + "/", width=width) as seen:
        for text in ("Short.", "A sentence that is longer than the others are by far. " * 2):
            served.backend.swap(text=text, own_w=12, next_decision_s=3.0)
            expect(seen.page.get_by_test_id("why")).to_have_text(text.strip())
        assert seen.page.evaluate("globalThis.shifted") < 0.01


def test_a_picture_of_the_page_for_its_description(browser: Browser, served: Served) -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    with opened(browser, served.page + "/") as seen:
        expect(seen.page.locator("#chart-amps canvas")).to_be_visible()
        seen.page.screenshot(
            path=PICTURE, clip={"x": 0, "y": 0, "width": 1280, "height": 1180}, full_page=True
        )
    assert PICTURE.stat().st_size > 50_000


def test_the_mode_is_chosen_with_the_keyboard(browser: Browser, served: Served) -> None:
    with opened(browser, served.page + "/") as seen:
        page = seen.page
        page.get_by_role("radio", name="Solar", exact=True).focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#notice")).to_have_text("Mode: Min solar")
        assert page.evaluate("document.activeElement.value") == "MIN_SOLAR"
    (request,) = served.backend.requests
    assert (request.action, request.value, request.actor.value) == (Action.MODE, "MIN_SOLAR", "ui")


def test_a_refused_mode_is_said_and_the_switch_goes_back(browser: Browser, served: Served) -> None:
    served.backend.answers[Action.MODE] = refused(503, "the disk is full")
    with opened(browser, served.page + "/") as seen:
        seen.page.get_by_text("Full", exact=True).click()
        expect(seen.page.locator("#notice")).to_have_text("the disk is full")
        expect(seen.page.get_by_role("radio", name="Solar", exact=True)).to_be_checked()
        expect(seen.page.locator("#content")).to_be_visible()
        seen.troubles = [each for each in seen.troubles if "503" not in each]


def test_buttons_charge_stop_and_wake_and_tell_the_outcome(
    browser: Browser, served: Served
) -> None:
    with opened(browser, served.page + "/") as seen:
        for action in ("start", "stop", "wake"):
            seen.page.get_by_test_id(f"charge-{action}").click()
            expect(seen.page.locator("#notice")).to_contain_text(": done")
            expect(seen.page.locator("#notice")).to_contain_text(action, ignore_case=True)
    assert [request.value for request in served.backend.requests] == ["start", "stop", "wake"]


def test_going_live_is_asked_for_twice_and_can_be_taken_back(
    browser: Browser, served: Served
) -> None:
    with opened(browser, served.page + "/") as seen:
        page = seen.page
        page.get_by_test_id("live").click()
        page.get_by_test_id("ask-dialog").get_by_text("Cancel").click()
        assert served.backend.requests == []
        page.get_by_test_id("live").click()
        page.keyboard.press("Escape")
        page.get_by_test_id("live").click()
        page.locator("#ask-ok").click()
        expect(page.locator("#notice")).to_contain_text("Live")
        served.backend.swap(dry_run=False)
        expect(page.get_by_test_id("strip")).to_contain_text("commands go to the car")
        page.get_by_test_id("live").click()
        expect(page.locator("#notice")).to_contain_text("Dry run")
    assert [request.value for request in served.backend.requests] == [True, False]


def test_a_source_is_tested_and_says_what_it_answered(browser: Browser, served: Served) -> None:
    with opened(browser, served.page + "/") as seen:
        page = seen.page
        expect(page.get_by_test_id("sources-health")).to_contain_text("sensor.battery_level")
        page.get_by_role("button", name="Test Enphase gateway").click()
        expect(page.locator(".tested").first).to_have_text("It answers: grid -204 W, sun 4.6 kW")
        served.backend.answers[Action.TEST_SOURCE] = Answer(200, {"ok": False, "error": "no route"})
        page.get_by_role("button", name="Test Wall Connector").click()
        expect(page.locator(".tested").nth(1)).to_have_text("no route")
    assert [request.value for request in served.backend.requests] == ["envoy", "twc"]


def test_the_key_is_asked_for_once_and_kept(browser: Browser) -> None:
    with serving(api_key="sésame 7") as served, opened(browser, served.api + "/") as seen:
        page = seen.page
        page.get_by_test_id("charge-stop").click()
        expect(page.get_by_test_id("key-dialog")).to_be_visible()
        page.locator("#key-field").fill("sésame 7")
        page.keyboard.press("Enter")
        expect(page.locator("#notice")).to_contain_text("done")
        page.get_by_test_id("charge-wake").click()
        expect(page.locator("#notice")).to_contain_text("Wake: done")
        assert [request.value for request in served.backend.requests] == ["stop", "wake"]
        page.reload(wait_until="domcontentloaded")
        page.get_by_test_id("charge-stop").click()
        expect(page.locator("#notice")).to_contain_text("Stop: done")
        expect(page.get_by_test_id("key-dialog")).to_be_hidden()
        # The browser itself notes the one refusal.
        seen.troubles = [each for each in seen.troubles if "401" not in each]


def test_a_wrong_key_is_said(browser: Browser) -> None:
    with serving(api_key="right") as served, opened(browser, served.api + "/") as seen:
        page = seen.page
        page.get_by_test_id("charge-stop").click()
        page.locator("#key-field").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("key-dialog")).to_be_visible()
        page.get_by_test_id("key-dialog").get_by_text("Cancel").click()
        expect(page.locator("#notice")).to_have_text("the key is wrong")
        assert served.backend.requests == []
        seen.troubles = [each for each in seen.troubles if "401" not in each]


def test_pairing_is_led_from_key_to_check(browser: Browser, served: Served) -> None:
    backend = served.backend
    backend.setup |= {"key": False, "car_read": False, "can_go_live": False, "public_key_pem": ""}
    backend.tickets[17] |= {"state": "sent", "result_class": None}
    with opened(browser, served.page + "/") as seen:
        page = seen.page
        expect(page.get_by_test_id("pairing")).to_have_attribute("open", "")
        expect(page.get_by_test_id("pair-request")).to_be_disabled()
        expect(page.get_by_test_id("live")).to_be_hidden()
        page.get_by_test_id("make-key").click()
        backend.setup |= {"key": True, "public_key_pem": "-----BEGIN PUBLIC KEY-----"}
        backend.swap()
        expect(page.get_by_test_id("pair-request")).to_be_enabled()
        page.get_by_test_id("pair-request").click()
        expect(page.get_by_test_id("pair-outcome")).to_contain_text("Tap your key card")
        backend.tickets[17] |= {"state": "done", "result_class": "OK_PENDING"}
        expect(page.get_by_test_id("pair-outcome")).to_contain_text("The request is in the car")
        backend.tickets[17] |= {"result_class": "NOT_PAIRED", "text": "the car does not know us"}
        page.get_by_test_id("pair-check").click()
        expect(page.get_by_test_id("check-outcome")).to_have_text(
            "Not paired: the car does not know us"
        )
        backend.tickets[17] |= {"result_class": "OK", "text": ""}
        page.get_by_test_id("pair-check").click()
        expect(page.get_by_test_id("check-outcome")).to_contain_text("this key is paired")
    assert [request.action for request in backend.requests] == [
        Action.PAIRING_KEY, Action.PAIRING_REQUEST, Action.PAIRING_CHECK, Action.PAIRING_CHECK,
    ]  # fmt: skip


def test_settings_send_what_was_changed_and_show_a_refusal(
    browser: Browser, served: Served
) -> None:
    with opened(browser, served.page + "/") as seen:
        page = seen.page
        page.get_by_test_id("settings").locator("summary").click()
        expect(page.get_by_label("Maximum current, A")).to_have_value("32")
        page.get_by_label("Maximum current, A").fill("24")
        page.get_by_label("Deadline (empty: none)").fill("")
        page.get_by_test_id("settings-save").click()
        expect(page.locator("#notice")).to_have_text("Settings saved")
        served.backend.answers[Action.SETTINGS] = refused(400, "max_amps wants a whole number")
        page.get_by_label("Maximum current, A").fill("3.5")
        page.get_by_test_id("settings-save").click()
        expect(page.locator("#settings-error")).to_have_text("max_amps wants a whole number")
        seen.troubles = [each for each in seen.troubles if "400" not in each]
    assert served.backend.requests[0].value == {"max_amps": 24, "deadline": ""}


def test_what_happens_appears_in_the_log_and_older_lines_on_request(
    browser: Browser, served: Served
) -> None:
    journal = served.backend.journal
    journal.lines = [
        audit_line(200 - n, journal.now - 60 * n, actor="mqtt", action="mode", to=f"M{n}")
        for n in range(130)
    ]
    with opened(browser, served.page + "/") as seen:
        entries = seen.page.get_by_test_id("audit-log").locator("li")
        expect(entries).to_have_count(60)
        seen.page.get_by_test_id("audit-older").click()
        expect(entries).to_have_count(120)
        seen.page.get_by_test_id("audit-older").click()
        expect(entries).to_have_count(130)
        expect(seen.page.get_by_test_id("audit-older")).to_be_hidden()
        journal.lines.insert(0, audit_line(201, journal.now, actor="ui", action="stop"))
        served.backend.swap(commands_today=88)
        expect(entries).to_have_count(131)
        expect(entries.first).to_contain_text("Stop")


def test_texts_from_outside_stay_texts(browser: Browser, served: Served) -> None:
    nasty = '<img src="x" onerror="alert(1)"><script>alert(2)</script>'
    served.backend.journal.lines[0]["text"] = nasty
    served.backend.sources[0] |= {"error": nasty, "ok": False}
    served.backend.swap(text=nasty, alarms=[nasty])
    with opened(browser, served.page + "/") as seen:
        expect(seen.page.get_by_test_id("why")).to_have_text(nasty)
        expect(seen.page.get_by_test_id("alarms")).to_contain_text("onerror")
        assert seen.page.locator("main img").count() == 0


def test_alarms_and_a_foreign_charge_are_shown_and_taken_over(
    browser: Browser, served: Served
) -> None:
    served.backend.swap(
        alarms=["stop_not_confirmed"], grid_charge_warning_amps=15.8, grid_charge_warning=True,
        controller_state="external", pending_normalization=True,
    )  # fmt: skip
    with opened(browser, served.page + "/") as seen:
        expect(seen.page.get_by_role("alert").first).to_contain_text("current still flows")
        expect(seen.page.get_by_test_id("alarms")).to_contain_text("15.8 A from the grid")
        seen.page.get_by_test_id("takeover").click()
        expect(seen.page.locator("#notice")).to_have_text("Solar takeover requested")
    assert served.backend.requests[0].action is Action.TAKEOVER


def test_nothing_known_yet_is_shown_as_such(browser: Browser, served: Served) -> None:
    backend = served.backend
    backend.journal.lines, backend.sources = [], []
    unknown = (
        "production_watts", "grid_w", "own_w", "amps", "battery", "car_limit", "available_w",
        "text", "reason_text", "controller_state", "next_decision_s", "eta", "battery_age_sec",
    )  # fmt: skip
    backend.swap(**dict.fromkeys(unknown))
    with opened(browser, served.page + "/", width=390) as seen:
        expect(seen.page.get_by_test_id("why")).to_have_text("No decision has been taken yet.")
        expect(seen.page.get_by_test_id("next-decision")).to_have_text("Next decision: –")
        expect(seen.page.locator("#audit-none")).to_be_visible()
        assert "NaN" not in seen.page.inner_text("body")
        assert "null" not in seen.page.inner_text("body")
        assert "undefined" not in seen.page.inner_text("body")


def test_without_a_stream_the_page_asks_every_two_seconds(browser: Browser, served: Served) -> None:
    taken = [served.streams.open() for _ in range(4)]
    with opened(browser, served.page + "/") as seen:
        expect(seen.page.get_by_test_id("supply")).to_have_text("Every few seconds")
        served.backend.swap(text="Asked for.")
        expect(seen.page.get_by_test_id("why")).to_have_text("Asked for.")
        seen.troubles = [each for each in seen.troubles if "503" not in each]
    assert all(taken)


def test_a_lost_app_is_said_and_found_again(browser: Browser) -> None:
    with serving() as served:
        page_port, api_port = served.server.page_port, served.server.api_port
        with opened(browser, served.page + "/") as seen:
            expect(seen.page.get_by_test_id("supply")).to_have_text("Online")
            served.server.stop()
            expect(seen.page.get_by_test_id("supply")).to_have_text("No connection to the app")
            with serving(page_port=page_port, api_port=api_port) as again:
                again.backend.swap(text="Here again.")
                expect(seen.page.get_by_test_id("why")).to_have_text("Here again.")
            seen.troubles.clear()


def test_without_the_chart_library_the_page_says_what_to_do(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solar_charger.dashboard.site.CHART", CHART.with_name("none.js"))
    with serving() as served, opened(browser, served.page + "/") as seen:
        expect(seen.page.get_by_test_id("chart-24h")).to_contain_text("make assets")
        expect(seen.page.get_by_test_id("why")).to_be_visible()


def test_a_line_of_the_chart_can_be_hidden_and_figures_be_read(
    browser: Browser, served: Served
) -> None:
    with opened(browser, served.page + "/") as seen:
        page = seen.page
        page.get_by_role("button", name="House").click()
        expect(page.get_by_role("button", name="House")).to_have_attribute("aria-pressed", "false")
        page.locator("#chart-power").hover(position={"x": 700, "y": 100})
        expect(page.locator("#readout")).to_contain_text("sun")
        expect(page.get_by_test_id("chart-summary")).to_contain_text("kWh from the sun")
