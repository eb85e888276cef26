"""What happens when something is missing, lies or dies: never above the limit, the car left as the
timetable says, and the audit log tells why.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from solar_charger.commands import Action, Actor

from tests.solar_charger.home import Home, at_home

LIMIT = 24
FREE_W = 4000.0


async def charging(home: Home) -> None:
    """The charge runs on sun, and has done so for a while."""
    home.meter.free_w = FREE_W
    await home.until_charging()
    await home.pass_time(330)
    assert home.car.amps == 17.0


def within_limits(home: Home) -> None:
    assert home.highest_asked <= LIMIT
    assert home.highest_drawn <= LIMIT


async def test_a_silent_gateway_freezes_then_lowers_then_stops(tmp_path: Path) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        await charging(home)
        home.meter.trouble = "gateway is gone"
        await home.pass_time(70)
        assert home.car.amps == 17.0
        await home.pass_time(70)
        assert home.car.amps == 5.0
        assert home.state()["stale"]
        await home.pass_time(250)
        assert home.car.amps == 0.0
        assert "meter_stale" in home.alarms or not home.state()["charging"]
        assert await home.audit_has(action="stop", result_class="OK")
        within_limits(home)
        home.meter.trouble = ""
        await home.until_charging()
        within_limits(home)


@pytest.mark.parametrize("value", [float("nan"), 2.5e7, -1.0e6])
async def test_absurd_readings_count_as_silence(tmp_path: Path, value: float) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        await charging(home)
        home.meter.value = value
        await home.pass_time(140)
        assert home.car.amps == 5.0
        await home.pass_time(250)
        assert home.car.amps == 0.0
        within_limits(home)


async def test_a_refused_token_is_an_alarm_that_says_what_to_do(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await charging(home)
        home.meter.trouble = "the gateway refuses the token in envoy_token"
        home.service.house.refused["simulated"] = home.meter.trouble
        await home.pass_time(20)
        assert "source_refused" in home.alarms
        rows = [row for row in home.state()["sources"] if row["name"] == "simulated"]
        assert all("envoy_token" in row["error"] for row in rows)
        home.meter.trouble = ""
        await home.pass_time(60)
        assert "source_refused" not in home.alarms


async def test_an_unreachable_car_raises_an_alarm_and_is_tried_again(tmp_path: Path) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        await charging(home)
        home.radio.failure = 1.0
        home.meter.free_w = -500.0
        await home.pass_time(700)
        assert home.car.amps == 17.0
        assert "uncontrolled_charge" in home.alarms
        assert home.state()["ble_ok"] is False
        assert home.state()["ble_fail_count"] > 0
        assert await home.audit_has(result_class="UNREACHABLE")
        home.radio.failure = 0.0
        await home.pass_time(700)
        assert home.car.amps <= 5.0
        assert "uncontrolled_charge" not in home.alarms
        within_limits(home)


async def test_lost_answers_never_lift_the_current_above_the_limit(tmp_path: Path) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        await charging(home)
        home.radio.lost_answer = 0.5
        for free in (6000.0, 1500.0, 5000.0, -300.0):
            home.meter.free_w = free
            await home.pass_time(400)
        home.radio.lost_answer = 0.0
        await home.pass_time(900)
        assert home.car.amps == 0.0
        within_limits(home)


async def test_unplugging_out_of_reach_leaves_a_pending_normalisation(tmp_path: Path) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        await charging(home)
        home.radio.failure = 1.0
        home.car.unplug(home.plant.second())
        await home.pass_time(120)
        assert home.state()["pending_normalization"]
        assert home.kept()["controller"]["pending_normalization"]["amps"] == LIMIT
        await home.cut_power()
        home.restart()
        await home.pass_time(60)
        assert home.state()["pending_normalization"]
        home.radio.failure = 0.0
        home.meter.free_w = -400.0
        home.car.plug(home.plant.second(), starts=True)
        home.car.request = 17.0
        await home.pass_time(180)
        assert not home.state()["pending_normalization"]
        assert home.car.amps == 0.0
        within_limits(home)


async def test_a_car_that_starts_by_itself_without_sun_is_stopped_within_a_minute(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        home.car.unplug(home.plant.second())
        home.meter.free_w = -400.0
        await home.pass_time(120)
        home.service.charger.car_read_mark = home.service.charger.car_mark
        home.car.request = 16.0
        home.car.plug(home.plant.second(), starts=True)
        while home.car.amps < 1.0:
            await home.pass_time(1)
        await home.pass_time(60)
        assert home.car.amps < 0.5


async def test_a_backoff_survives_a_restart_and_a_jumped_clock_never_makes_it_long(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path) as home:
        await charging(home)
        home.radio.failure = 1.0
        home.meter.free_w = -500.0
        await home.pass_time(900)
        left = home.state()["ble_backoff_remaining"]
        assert left > 30
        await home.cut_power()
        home.restart()
        assert 0 < home.service.charger.executor.backoff.remaining(home.clock.now()) <= left + 60
        await home.cut_power()
        home.clock.jump(-86_400 * 365)
        home.restart()
        assert home.service.charger.executor.backoff.remaining(home.clock.now()) <= 3600


async def test_power_cut_between_start_and_journal_leaves_the_charge_ours(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = FREE_W
        while not home.car.enabled:
            await home.pass_time(1)
        await home.cut_power()
        await home.clock.advance(60.0)
        home.meter.free_w = -500.0
        home.restart()
        await home.pass_time(30)
        assert home.service.charger.controller.session.ours
        assert "unclean_restart" not in home.alarms or home.state()["problem"]
        await home.pass_time(900)
        assert home.car.amps == 0.0


async def test_power_cut_while_charging_goes_on_where_it_was(tmp_path: Path) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        await charging(home)
        energy = home.state()["solar_energy"]
        await home.cut_power()
        await home.clock.advance(20.0)
        home.restart()
        await home.pass_time(120)
        assert home.car.amps == 17.0
        assert home.state()["controller_state"] == "charging"
        assert home.state()["solar_energy"] >= energy - 20
        within_limits(home)


async def test_a_charge_begun_by_someone_else_is_respected_with_a_warning(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = -400.0
        await home.pass_time(300)
        home.car.request = 10.0
        home.car.start(home.plant.second())
        await home.pass_time(120)
        assert home.car.amps == 10.0
        assert home.state()["grid_charge_warning_amps"] == pytest.approx(10.0)
        assert home.state()["grid_charge_warning"]
        await home.ask(Action.TAKEOVER, True)
        await home.pass_time(900)
        assert home.car.amps == 0.0


@pytest.mark.parametrize("seconds", [7200.0, -7200.0, 86_400.0 * 3650, -1_780_000_000.0])
async def test_a_clock_jump_moves_schedules_and_nothing_else(
    tmp_path: Path, seconds: float
) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        await charging(home)
        heard = home.radio.heard
        home.clock.jump(seconds)
        await home.pass_time(120)
        assert home.car.amps == 17.0
        assert home.radio.heard <= heard + 1
        assert await home.audit_has(action="clock_jump")
        within_limits(home)


async def test_a_foreign_charger_silences_ours_for_ten_minutes(tmp_path: Path) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        await charging(home)
        post = {"mode": "SOLAR", "amps": 7, "target_amps": 7, "state": "Charging"}
        answer = await home.ask(Action.FOREIGN_STATUS, post, Actor.API)
        assert answer.body == {"status": "success"}
        heard = home.radio.heard
        await home.pass_time(30)
        status = home.service.backend.charger_status()
        assert status is not None
        assert status["amps"] == 7
        config = home.service.backend.config()
        assert (config["mode"], config["mode_ext"]) == ("SOLAR", "OFF")
        home.meter.free_w = -3000.0
        await home.pass_time(120)
        own = home.service.backend.charger_status()
        assert own is not None
        assert own["reason"] == "foreign_charger"
        assert own["mode_ext"] == "OFF"
        await home.pass_time(400)
        assert home.radio.heard == heard
        await home.pass_time(700)
        assert home.car.amps == 0.0
        within_limits(home)


@pytest.mark.parametrize("record", [None, [], "x", {}, {"mode": 5}, {"mode": " "}])
async def test_what_is_no_status_record_silences_nobody(tmp_path: Path, record: object) -> None:
    async with at_home(tmp_path, started=False) as home:
        assert (await home.ask(Action.FOREIGN_STATUS, record, Actor.API)).status == 400
        assert not home.service.charger.foreign.active(home.clock.now())


async def test_a_foreign_record_takes_the_place_of_its_own_figures_and_of_nothing_else(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path) as home:
        await home.pass_time(30)
        post = {
            "mode": "MANUAL", "amps": 11.5, "battery": "full", "state": 5, "target_amps": True,
            "alarms": "x", "dry_run": "no", "setup": "mine", "text": "hello", "enabled": 0,
        }  # fmt: skip
        await home.ask(Action.FOREIGN_STATUS, post, Actor.API)
        state = home.state()
        assert (state["amps"], state["mode"]) == (11.5, "MANUAL")
        assert (state["battery"], state["state"], state["target_amps"]) == (None, None, None)
        assert isinstance(state["alarms"], list)
        assert state["dry_run"] is False
        assert state["enabled"] is True
        assert state["setup"]["version"]
        status = home.service.backend.charger_status()
        assert status is not None
        assert status["battery"] == "full"


async def test_a_damaged_store_starts_in_off_and_says_so_until_a_mode_is_chosen(
    tmp_path: Path,
) -> None:
    (tmp_path / "solar_charger.db").write_bytes(b"not a database" * 1000)
    async with at_home(tmp_path) as home:
        home.meter.free_w = FREE_W
        await home.pass_time(900)
        assert home.radio.heard == 0
        assert home.service.charger.mode == "OFF"
        assert "store_damaged" in home.alarms
        await home.ask(Action.MODE, "SOLAR")
        await home.pass_time(30)
        assert "store_damaged" not in home.alarms


async def test_a_charge_goes_on_while_the_store_cannot_be_written(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await charging(home)
        store = home.service.journal._store
        assert store is not None
        store.connection.execute("PRAGMA query_only = 1")
        home.meter.free_w = 2000.0
        await home.pass_time(200)
        assert home.car.amps == 8.0
        assert "store_unwritable" in home.alarms
        assert home.service.backend.health()[0] is False
        home.meter.free_w = -1500.0
        await home.pass_time(900)
        assert home.car.amps == 0.0


async def test_the_wall_connector_gone_is_bridged_by_the_car(tmp_path: Path) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        await charging(home)
        home.connector.silent = True
        await home.pass_time(300)
        assert 5.0 <= home.car.amps <= LIMIT
        connected = home.service.backend.twc_connected()
        assert connected is not None
        assert connected["connected"] is True
        assert connected["data_age_seconds"] > 90
        home.meter.free_w = -1500.0
        await home.pass_time(1200)
        assert home.car.amps == 0.0
        within_limits(home)


async def test_night_stops_the_charge_and_the_session_stands_in_the_books(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await charging(home)
        home.meter.free_w, home.meter.production_w = -300.0, 0.0
        await home.pass_time(900)
        assert home.car.amps == 0.0
        home.car.unplug(home.plant.second())
        await home.pass_time(60)
        await home.service.journal.commit()
        session = home.service.backend.journal.sessions(1)[0]
        assert session["solar_wh"] > 200
        assert session["peak_a"] == 17.0
        assert session["starts"] == 1


async def test_every_command_in_the_audit_log_has_its_figures(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await charging(home)
        lines = await home.audit()
        sent = [line for line in lines if line["action"] in ("set_amps", "start", "stop")]
        assert sent
        for line in sent:
            assert {"grid_w", "plug", "soc"} <= json.loads(line["inputs_json"]).keys()
            assert line["actor"] in ("controller", "safety")
