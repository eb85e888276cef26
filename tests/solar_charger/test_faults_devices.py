"""Devices that vanish, refuse, lie or babble, over real sockets: never above the limit, the car
left as the timetable says, the owner told, and the audit log tells why.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from solar_charger.sources.envoy import cloud
from solar_charger.testing.gateway import FakeEnphaseCloud, Firmware, make_token
from solar_charger.testing.tesla_control import TROUBLES

from tests.solar_charger.installation import LIMIT, Installation, installed

NO_SUN = -500.0


async def the_timetable_of_silence(home: Installation) -> None:
    """From a charge at 17 A: held, then the minimum, then stopped, and the owner told."""
    await home.pass_time(75)
    assert home.car.amps == 17.0
    await home.pass_time(60)
    assert home.car.amps == 5.0
    assert "meter_stale" in home.alarms
    assert home.state()["stale"]
    assert home.source("envoy")["ok"] is False
    await home.pass_time(220)
    assert home.car.amps == 0.0
    assert await home.audit_has(action="set_amps", to="5", result_class="OK", reason="meter_stale")
    assert await home.audit_has(action="stop", result_class="OK", reason="meter_stale")


async def test_a_gateway_that_is_gone_and_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        await home.gateway.stop()
        await the_timetable_of_silence(home)
        assert "alarm meter_stale: The meter is silent." in caplog.text
        assert "127.0.0.1" in home.source("envoy")["error"]
        await home.gateway.start()
        await home.until(lambda: home.car.amps)
        assert "meter_stale" not in home.alarms


@pytest.mark.parametrize("stream", [False, True])
async def test_a_token_that_ran_out_without_an_account_is_an_alarm_that_says_what_to_do(
    tmp_path: Path, stream: bool
) -> None:
    firmware = Firmware(stream=False)
    async with installed(tmp_path, firmware=firmware, envoy_stream=stream) as home:
        await home.charging()
        right = home.gateway.tokens
        home.gateway.tokens, home.gateway.sessions = {make_token(5)}, set()
        await the_timetable_of_silence(home)
        assert "source_refused" in home.alarms
        assert "envoy_token" in home.source("envoy")["error"]
        home.gateway.tokens = right
        await home.until(lambda: home.car.amps)
        assert "source_refused" not in home.alarms


async def test_a_token_that_ran_out_is_renewed_without_the_charge_noticing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account: dict[str, Any] = {"envoy_username": "owner@example.org", "envoy_password": "sunshine"}
    async with installed(tmp_path, started=False, **account) as home:
        async with FakeEnphaseCloud(home.gateway) as enphase:
            at_home = partial(
                cloud.Account, login_url=f"{enphase.url}/login/login.json?",
                token_url=f"{enphase.url}/tokens",
            )  # fmt: skip
            monkeypatch.setattr(cloud, "Account", at_home)
            home.start()
            await home.charging()
            home.gateway.tokens, home.gateway.sessions = {make_token(5)}, set()
            await home.pass_time(400)
            assert enphase.asked["/tokens"] == 1
        assert home.car.amps == 17.0
        assert home.heard("charging-start") == 1
        assert home.alarms == []
        assert (tmp_path / "envoy_token.json").stat().st_mode & 0o777 == 0o600


ANSWERS = {
    "empty": b"",
    "a page": b"<html>502 Bad Gateway</html>",
    "null": b"null",
    "cut off": b'[{"eid":704643584,"activePower":-40',
    "not a number": b'[{"eid":704643584,"timestamp":1,"activePower":NaN}]',
    "deep": b"[" * 200_000,
    "no text": b"\xff\xfe\x00\x01" * 50,
    "too long": b'[{"eid":1}' + b" " * 2_000_000 + b"]",
}


@pytest.mark.parametrize("body", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_that_is_none_counts_as_silence(tmp_path: Path, body: bytes) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        home.gateway.faults.body = body
        await the_timetable_of_silence(home)


@pytest.mark.parametrize("watts", [-4_000_000.0, 3_900_000.0, 1e300])
async def test_kilowatts_taken_for_watts_are_impossible_and_count_as_silence(
    tmp_path: Path, watts: float
) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        home.gateway.absurd_w = watts
        await the_timetable_of_silence(home)
        assert "impossible" in home.source("envoy")["error"]


async def test_a_gateway_that_repeats_its_last_answer_counts_as_silence(tmp_path: Path) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        home.gateway.frozen = True
        await home.pass_time(140)
        assert home.car.amps == 5.0
        await home.pass_time(220)
        assert home.car.amps == 0.0


async def test_inverters_that_draw_a_little_at_night_are_night_and_nothing_absurd(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        home.house.pv_w, home.house.base_w = -8.0, 300.0
        await home.pass_time(700)
        assert home.car.amps == 0.0
        state = home.state()
        assert state["controller_state"] == "night"
        assert state["production_watts"] == -8
        assert await home.audit_has(action="stop", result_class="OK")


BABBLE = {
    "cut off": b'{"contactor_closed":tr',
    "a page": b"<html>busy</html>",
    "null": b"null",
    "nothing but nan": b'{"vehicle_connected":nan,"vehicle_current_a":nan,"contactor_closed":nan}',
    "texts": b'{"vehicle_connected":"yes","contactor_closed":1,"vehicle_current_a":"much"}',
    "impossible": b'{"vehicle_connected":true,"contactor_closed":true,"vehicle_current_a":1e99}',
    "deep": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("body", BABBLE.values(), ids=BABBLE)
async def test_a_babbling_wall_connector_is_bridged_by_the_car(tmp_path: Path, body: bytes) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        home.connector.faults.body = body
        await home.pass_time(400)
        assert 5.0 <= home.car.amps <= 17.0
        assert home.heard("charging-start") == 1
        home.free(NO_SUN)
        await home.until(lambda: not home.car.amps, 1500)
        assert await home.audit_has(action="stop", result_class="OK")


async def test_with_a_dead_connector_and_a_car_out_of_reach_nothing_is_raised(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        await home.connector.stop()
        home.control.trouble, home.control.body_answers = "out_of_range", False
        home.free(9000.0)
        await home.pass_time(1500)
        assert home.car.amps == 17.0
        assert home.state()["plugged"] is None
        assert home.source("twc")["ok"] is False
        home.free(NO_SUN)
        home.control.trouble, home.control.body_answers = None, True
        await home.until(lambda: not home.car.amps, 3000)


async def test_a_relay_that_is_gone_is_said_and_the_charge_stopped_once_it_is_back(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        await home.relay.stop()
        home.free(NO_SUN)
        await home.pass_time(900)
        assert home.car.amps == 17.0
        assert {"relay_unreachable", "uncontrolled_charge"} <= set(home.alarms)
        record = home.service.backend.charger_status()
        assert record is not None
        assert record["relay_unreachable_alert"] is True
        assert record["relay_unreachable_streak"] >= 3
        assert home.state()["ble_ok"] is False
        assert await home.audit_has(result_class="RELAY_DOWN")
        await home.relay.start()
        await home.until(lambda: not home.car.amps, 1200)
        await home.pass_time(60)
        assert not {"relay_unreachable", "uncontrolled_charge"} & set(home.alarms)


CLASSES = {
    "busy": "BUSY", "max_connections": "MAX_CONN", "out_of_range": "UNREACHABLE",
    "no_scan": "UNREACHABLE", "not_paired": "NOT_PAIRED", "role": "ROLE", "disabled": "DISABLED",
    "session": "SESSION", "adapter": "ADAPTER", "permission": "PERMISSION",
    "unverified_lost": "UNKNOWN_RESULT",
}  # fmt: skip
TOLD = {
    "not_paired": "link_not_paired", "role": "link_role", "disabled": "link_disabled",
    "permission": "link_permission", "max_connections": "too_many_connections",
    "adapter": "bluetooth_adapter",
}  # fmt: skip


HOUR_LONG = ("not_paired", "role", "disabled", "permission")
"""What only a person can mend, so it is tried again once an hour."""


@pytest.mark.parametrize("trouble", [name for name in CLASSES if name not in HOUR_LONG])
async def test_a_car_that_cannot_be_told_to_stop_is_an_alarm_and_stopped_once_it_can(
    tmp_path: Path, trouble: str
) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        home.control.trouble = trouble
        home.control.body_answers = trouble not in ("out_of_range", "no_scan")
        home.free(NO_SUN)
        await home.pass_time(900)
        assert home.car.amps > 0
        assert home.state()["problem"] is True
        assert home.alarms
        if trouble in TOLD:
            assert TOLD[trouble] in home.alarms
        assert await home.audit_has(result_class=CLASSES[trouble])
        assert len(home.control.calls) < 150
        home.control.trouble, home.control.body_answers = None, True
        await home.until(lambda: not home.car.amps, 1200)
        await home.pass_time(120)
        assert home.alarms == []
        assert await home.audit_has(action="stop", result_class="OK")


@pytest.mark.parametrize("trouble", HOUR_LONG)
async def test_what_only_a_person_can_mend_is_said_and_tried_again_each_hour(
    tmp_path: Path, trouble: str
) -> None:
    async with installed(tmp_path, poll_s=20) as home:
        home.free(4000.0)
        await home.until(lambda: home.car.amps)
        home.control.trouble = trouble
        home.free(NO_SUN)
        await home.until(lambda: home.alarms == [TOLD[trouble]])
        calls = len(home.control.calls)
        await home.pass_time(1200)
        assert len(home.control.calls) == calls
        assert home.state()["controller_state"] == "fault"
        assert home.state()["ble_backoff_remaining"] > 1200
        assert await home.audit_has(result_class=CLASSES[trouble])
        home.control.trouble = None
        await home.until(lambda: not home.car.amps, 3600)
        await home.pass_time(120)
        assert home.alarms == []


@pytest.mark.parametrize("trouble", ["unverified", "timeout"])
async def test_a_start_whose_answer_was_lost_is_measured_and_not_repeated(
    tmp_path: Path, trouble: str
) -> None:
    async with installed(tmp_path) as home:
        home.free(4000.0)
        await home.until(lambda: home.car.request_amps == 17)
        home.control.trouble = trouble
        await home.until(lambda: home.car.amps)
        home.control.trouble = None
        await home.pass_time(300)
        assert home.heard("charging-start") == 1
        assert home.car.amps == 17.0
        assert await home.audit_has(action="start")


async def test_a_start_that_is_never_carried_out_raises_its_alarm(tmp_path: Path) -> None:
    async with installed(tmp_path) as home:
        home.free(4000.0)
        await home.until(lambda: home.car.request_amps == 17)
        home.control.trouble = "unverified_lost"
        await home.pass_time(1800)
        assert home.car.amps == 0.0
        assert "start_without_current" in home.alarms or "UNKNOWN_RESULT" in str(await home.audit())
        starts = sum("charging-start" in call for call in home.control.calls)
        assert 1 <= starts <= 6


async def test_a_relay_that_no_longer_takes_our_key_is_said_and_asked_again(tmp_path: Path) -> None:
    async with installed(tmp_path, poll_s=20) as home:
        home.free(4000.0)
        await home.until(lambda: home.car.amps)
        home.relay.api_key = "a-new-key"
        home.free(NO_SUN)
        await home.until(lambda: home.alarms == ["link_config"])
        assert home.state()["controller_state"] == "fault"
        assert await home.audit_has(result_class="CONFIG")
        home.relay.api_key = ""
        await home.until(lambda: not home.car.amps, 4500)
        await home.pass_time(120)
        assert home.alarms == []


async def test_a_restart_after_mending_the_set_up_does_not_wait_for_the_hour(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        home.relay.api_key = "a-new-key"
        home.free(NO_SUN)
        await home.until(lambda: home.alarms == ["link_config"])
        await home.cut_power()
        home.options["relay_api_key"] = "a-new-key"
        home.start()
        await home.until(lambda: not home.car.amps, 420)


async def test_a_car_that_refuses_to_start_is_asked_again_after_ten_minutes_and_its_word_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installed(tmp_path) as home:
        monkeypatch.setattr(home.car, "_start", lambda: "cable_fault")
        home.free(4000.0)
        await home.until(lambda: home.heard("charging-start"))
        await home.pass_time(450)
        assert home.heard("charging-start") == 1
        lines = await home.audit()
        refused = next(line for line in lines if line["action"] == "start")
        assert refused["result_class"] == "CAR_REFUSED"
        assert "cable_fault" in refused["text"]
        monkeypatch.undo()
        await home.until(lambda: home.car.amps, 600)


async def test_a_busy_car_is_asked_again_within_seconds_and_then_left_alone_for_longer(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        home.control.trouble = "busy"
        home.free(NO_SUN)
        calls = len(home.control.calls)
        await home.pass_time(60)
        soon = len(home.control.calls) - calls
        assert 2 <= soon <= 6
        await home.pass_time(600)
        assert len(home.control.calls) - calls - soon <= 16
        home.control.trouble = None
        await home.until(lambda: not home.car.amps, 600)


async def test_unplugged_while_the_radio_rests_the_car_gets_its_current_back_when_it_is_heard(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path) as home:
        await home.charging()
        home.control.trouble, home.control.body_answers = "no_scan", False
        home.free(NO_SUN)
        await home.until(lambda: home.state()["ble_backoff_remaining"] > 60)
        home.car.unplug()
        await home.pass_time(60)
        assert home.state()["pending_normalization"] is True
        assert home.car.request_amps == 17
        home.control.trouble, home.control.body_answers = None, True
        await home.until(lambda: home.car.request_amps == LIMIT, 540)
        await home.pass_time(15)
        assert home.state()["pending_normalization"] is False
        assert await home.audit_has(action="set_amps", to=str(LIMIT), result_class="OK")


def test_every_trouble_of_the_program_is_tried_above() -> None:
    assert set(CLASSES) | {"unverified", "timeout"} == set(TROUBLES)


@pytest.mark.parametrize("refusal", ["disconnected", "no_power"])
async def test_the_cable_pulled_while_a_start_is_on_its_way_costs_no_later_charge(
    tmp_path: Path, refusal: str
) -> None:
    async with installed(tmp_path) as home:
        home.free(4000.0)
        await home.until(lambda: home.car.request_amps == 17)
        # The connector tells of it a few seconds later than the car.
        home.connector.connected_override = True
        home.car.pilot_amps = 0
        home.car.plugged = refusal == "no_power"
        await home.until(lambda: "charging-start" in home.car.heard, 60)
        await home.pass_time(2)
        wanted = "NOT_PLUGGED" if refusal == "disconnected" else "NO_POWER"
        assert await home.audit_has(action="start", result_class=wanted)
        assert home.state()["ble_backoff_remaining"] > 300
        home.car.unplug()
        home.connector.connected_override = None
        await home.pass_time(60)
        assert home.car.request_amps == LIMIT
        assert home.state()["pending_normalization"] is False
        home.car.plug()
        home.car.pilot_amps = 48
        await home.until(lambda: home.car.amps, 420)
