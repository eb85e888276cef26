"""What people ask for, from page, API or MQTT: one function, one set of answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from solar_charger.commands import Action, Actor

from tests.solar_charger.home import Home, at_home


@pytest.mark.parametrize("word", ["solar", "MANUAL", "Min_Solar", "off"])
async def test_a_mode_is_taken_in_any_case_and_survives_a_restart(
    tmp_path: Path, word: str
) -> None:
    async with at_home(tmp_path) as home:
        answer = await home.ask(Action.MODE, word)
        assert answer.status == 200
        assert answer.body == {"status": "success", "new_mode": word.upper()}
        await home.cut_power()
        home.restart()
        assert home.service.charger.mode == word.upper()


@pytest.mark.parametrize("value", ["SUN", "", None, 5, ["SOLAR"], {"mode": "SOLAR"}])
async def test_an_unknown_mode_is_refused(tmp_path: Path, value: Any) -> None:
    async with at_home(tmp_path, started=False) as home:
        answer = await home.ask(Action.MODE, value)
        assert answer.status == 400
        assert answer.body["status"] == "error"
        assert home.service.charger.mode == "SOLAR"


async def test_the_older_contract_sees_two_modes_and_ours_beside_them(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        for mode, old in (("OFF", "SOLAR"), ("MIN_SOLAR", "SOLAR"), ("MANUAL", "MANUAL")):
            await home.ask(Action.MODE, mode)
            config = home.service.backend.config()
            assert (config["mode"], config["mode_ext"]) == (old, mode)


async def test_a_stored_setting_wins_until_its_option_changes(tmp_path: Path) -> None:
    async with at_home(tmp_path, max_amps=32) as home:
        answer = await home.ask(Action.SETTINGS, {"max_amps": 20, "deadline": "07:30"})
        assert answer.body["max_amps"] == {"value": 20, "from": "stored"}
        await home.cut_power()
        home.restart()
        assert home.service.charger.settings.max_amps == 20
        assert home.service.charger.settings.deadline == "07:30"
        await home.cut_power()
        home.restart(max_amps=24)
        assert home.service.charger.settings.max_amps == 24
        assert home.service.charger.settings.deadline == "07:30"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"max_amps": 81}, "max_amps"),
        ({"max_amps": "32"}, "max_amps"),
        ({"max_amps": True}, "max_amps"),
        ({"max_amps": float("nan")}, "max_amps"),
        ({"max_amps": 32, "min_amps": 0}, "min_amps"),
        ({"max_amps": 6, "min_amps": 7}, "min_amps"),
        ({"deadline": "25:00"}, "deadline"),
        ({"enabled": "yes"}, "enabled"),
        ({"fuse_safety": 1.0}, "fuse_safety"),
        ({"takeover": "perhaps"}, "takeover"),
    ],
)
async def test_a_bad_setting_names_its_key_and_changes_nothing(
    tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    async with at_home(tmp_path, started=False) as home:
        before = home.service.backend.settings()
        answer = await home.ask(Action.SETTINGS, changes)
        assert answer.status == 400
        assert named in answer.message
        assert home.service.backend.settings() == before


async def test_a_lower_maximum_is_obeyed_at_once(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 6000.0
        await home.until_charging()
        await home.pass_time(120)
        assert home.car.amps > 20
        await home.ask(Action.SETTINGS, {"max_amps": 10})
        await home.pass_time(60)
        assert home.car.amps == 10.0


async def test_going_live_needs_a_car_that_has_been_read(tmp_path: Path) -> None:
    async with at_home(tmp_path, dry_run=True, started=False) as home:
        assert (await home.ask(Action.LIVE, True)).status == 409
        assert (await home.ask(Action.LIVE, "yes")).status == 400
        home.start()
        home.meter.free_w = 4000.0
        await home.pass_time(120)
        assert (await home.ask(Action.LIVE, True)).status == 200
        assert (await home.ask(Action.LIVE, False)).body["dry_run"] is True
        await home.cut_power()
        home.restart(dry_run=False)
        assert not home.service.charger.dry_run
        assert (await home.ask(Action.LIVE, False)).status == 409


async def test_charge_now_charges_at_night_and_stop_holds_until_something_changes(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w, home.meter.production_w = -400.0, 0.0
        await home.pass_time(60)
        await first_read(home)
        answer = await home.ask(Action.CHARGE, "start")
        assert answer.status == 202
        await home.pass_time(60)
        assert home.car.amps > 0
        assert home.service.backend.command(answer.body["id"])["state"] == "done"  # type: ignore[index]
        stopped = await home.ask(Action.CHARGE, "stop")
        assert stopped.status == 202
        await home.pass_time(60)
        assert home.car.amps == 0
        home.meter.free_w, home.meter.production_w = 5000.0, 5000.0
        await home.pass_time(900)
        assert home.car.amps == 0
        assert home.state()["reason"] == "stopped_by_user"


async def first_read(home: Home) -> None:
    """A person wakes the pairing check: the car is read and live."""
    home.car.stir(home.plant.second())
    home.service.charger.car_read_mark = home.service.charger.car_mark
    await home.pass_time(10)


@pytest.mark.parametrize("action", ["start", "stop", "wake", "normalize"])
async def test_a_dry_run_refuses_every_button(tmp_path: Path, action: str) -> None:
    async with at_home(tmp_path, dry_run=True) as home:
        await home.pass_time(20)
        answer = await home.ask(Action.CHARGE, action)
        assert answer.status == 409
        assert "dry run" in answer.message


async def test_buttons_are_refused_where_nothing_may_go_out(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 4000.0
        await home.pass_time(60)
        assert (await home.ask(Action.CHARGE, "normalize")).status == 409
        assert (await home.ask(Action.CHARGE, "dance")).status == 400
        await home.ask(Action.MODE, "OFF")
        for action in ("start", "wake"):
            assert (await home.ask(Action.CHARGE, action)).status == 409
        await home.ask(Action.MODE, "SOLAR")
        await home.ask(Action.SETTINGS, {"enabled": False})
        assert (await home.ask(Action.CHARGE, "start")).status == 409


async def test_a_full_disk_refuses_a_mode_and_the_old_one_stays(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.pass_time(20)
        store = home.service.journal._store
        assert store is not None
        store.connection.execute("PRAGMA query_only = 1")
        answer = await home.ask(Action.MODE, "MANUAL")
        assert answer.status == 503
        assert home.service.charger.mode == "SOLAR"
        store.connection.execute("PRAGMA query_only = 0")
        assert (await home.ask(Action.MODE, "MANUAL")).status == 200


async def test_takeover_is_remembered_and_cleared_by_a_mode_change(tmp_path: Path) -> None:
    async with at_home(tmp_path, initial_mode="SOLAR") as home:
        await home.pass_time(20)
        answer = await home.ask(Action.TAKEOVER, True, Actor.API)
        assert answer.body == {"status": "success", "message": "Solar takeover requested"}
        assert home.kept()["controller"]["takeover"] is True
        await home.ask(Action.MODE, "MANUAL")
        await home.pass_time(20)
        assert home.service.backend.config()["solar_takeover_requested"] is False
        answer = await home.ask(Action.TAKEOVER, False)
        assert answer.body["message"] == "Takeover flag cleared"


async def test_the_key_is_made_once_imported_and_never_shown(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        first = await home.ask(Action.PAIRING_KEY, False)
        assert first.body["public_key_pem"].startswith("-----BEGIN PUBLIC KEY")
        assert (await home.ask(Action.PAIRING_KEY, None)).status == 409
        again = await home.ask(Action.PAIRING_KEY, True)
        assert again.body["public_key_pem"] != first.body["public_key_pem"]
        assert (await home.ask(Action.PAIRING_IMPORT, {"private_key_pem": "x"})).status == 400
        assert (await home.ask(Action.PAIRING_IMPORT, None)).status == 400
        wrong = ec.generate_private_key(ec.SECP384R1())
        body = {"private_key_pem": pem(wrong), "replace": True}
        assert (await home.ask(Action.PAIRING_IMPORT, body)).status == 400
        body["private_key_pem"] = pem(ec.generate_private_key(ec.SECP256R1()))
        assert (await home.ask(Action.PAIRING_IMPORT, body)).status == 200
        assert (tmp_path / "private.pem").stat().st_mode & 0o777 == 0o600
        assert all("PRIVATE" not in str(line) for line in await home.audit())


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


async def test_a_new_key_ends_going_live_until_the_car_was_read_with_it(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 4000.0
        await home.until_charging()
        await home.ask(Action.PAIRING_KEY, False)
        assert home.service.charger.dry_run
        await home.pass_time(400)
        assert not home.service.charger.dry_run


async def test_pairing_request_and_check_go_out_in_a_dry_run(tmp_path: Path) -> None:
    async with at_home(tmp_path, dry_run=True) as home:
        await home.pass_time(20)
        for action in (Action.PAIRING_REQUEST, Action.PAIRING_CHECK):
            answer = await home.ask(action)
            assert answer.status == 202
            await home.pass_time(30)
            command = home.service.backend.command(answer.body["id"])
            assert command is not None
            assert command["result_class"] == "OK"


async def test_a_source_is_tested_on_demand(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.pass_time(10)
        good = await home.ask(Action.TEST_SOURCE, "simulated")
        assert good.body["ok"] is True
        assert good.body["values"]["production_w"] == 5000.0
        home.meter.trouble = "no answer"
        bad = await home.ask(Action.TEST_SOURCE, "simulated")
        assert bad.body == {"ok": False, "error": "no answer"}
        assert (await home.ask(Action.TEST_SOURCE, "none")).status == 404


async def test_a_second_instance_only_shows(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.pass_time(10)
        second = Home(tmp_path, home.clock)
        assert second.service.passive
        assert (await second.ask(Action.MODE, "MANUAL")).status == 503
        assert second.service.worker is None
        assert second.service.mqtt is None
