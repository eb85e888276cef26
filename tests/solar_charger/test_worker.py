"""From a decision to the car: reads first, then amps and start, noted before they are sent."""

from __future__ import annotations

from pathlib import Path

from solar_charger.car.link import ResultClass as R
from solar_charger.commands import Action

from tests.solar_charger.home import at_home


async def test_surplus_becomes_a_charge_of_the_right_current(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 4000.0
        await home.until_charging()
        await home.pass_time(300)
        assert home.car.amps == 17.0
        assert home.state()["controller_state"] == "charging"
        assert home.state()["session_energy"] > 0
        assert home.state()["grid_energy"] <= 5
        assert await home.audit_has(action="start", result_class="OK")


async def test_nothing_but_reads_leaves_in_a_dry_run_and_what_would_is_said_once(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path, dry_run=True) as home:
        home.meter.free_w = 4000.0
        await home.pass_time(900)
        assert home.radio.heard == 0
        assert home.radio.reads > 0
        assert home.state()["dry_run"]
        withheld = [line for line in await home.audit() if line["action"] == "withheld"]
        assert [line["to"] for line in withheld].count("set_amps 17") == 1
        assert (await home.ask(Action.LIVE, True)).body == {"status": "success", "dry_run": False}
        await home.until_charging()


async def test_the_car_stops_when_the_owner_pauses_and_stays_still(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 4000.0
        await home.until_charging()
        await home.pass_time(60)
        await home.ask(Action.SETTINGS, {"enabled": False})
        await home.pass_time(60)
        assert home.car.amps == 0.0
        heard = home.radio.heard
        await home.pass_time(600)
        assert home.radio.heard == heard
        assert home.state()["reason"] == "disabled"


async def test_the_link_is_left_between_batches(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        left = 0
        link = home.service.equipment.link
        assert link is not None
        close = link.close

        async def leave() -> None:
            nonlocal left
            left += 1
            await close()

        link.close = leave  # type: ignore[method-assign]
        home.meter.free_w = 4000.0
        await home.until_charging()
        await home.pass_time(120)
        assert left >= 1


async def test_a_driver_that_raises_costs_one_command_and_no_more(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        link = home.service.equipment.link
        assert link is not None
        whole = link.read_charge
        failures = iter([True])

        async def read() -> object:
            if next(failures, False):
                raise RuntimeError("a bug")
            return await whole()

        link.read_charge = read  # type: ignore[method-assign, assignment]
        home.meter.free_w = 4000.0
        await home.until_charging()


async def test_sigterm_leaves_a_charge_of_ours_at_the_least_current(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 4000.0
        await home.until_charging()
        await home.pass_time(120)
        await home.end()
        await home.pass_time(10)
        assert home.car.amps == 5.0
        assert home.car.enabled


async def test_sigterm_stops_or_leaves_as_the_option_says(tmp_path: Path) -> None:
    for word, amps in (("stop", 0.0), ("leave", 17.0)):
        folder = tmp_path / word
        folder.mkdir()
        async with at_home(folder, on_exit=word) as home:
            home.meter.free_w = 4000.0
            await home.until_charging()
            await home.pass_time(300)
            await home.end()
            await home.pass_time(10)
            assert home.car.amps == amps


async def test_a_start_that_cannot_be_noted_is_not_sent(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.pass_time(30)
        store = home.service.journal._store
        assert store is not None
        store.connection.execute("PRAGMA query_only = 1")
        home.meter.free_w = 4000.0
        await home.pass_time(900)
        assert home.car.amps == 0.0
        assert "store_unwritable" in home.alarms
        assert home.state()["problem"]
        store.connection.execute("PRAGMA query_only = 0")
        await home.until_charging()
        assert "store_unwritable" not in home.alarms


async def test_an_unknown_result_of_a_start_is_measured_not_repeated(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 4000.0
        while home.car.request != 17.0:
            await home.pass_time(1)
        home.radio.lost_answer = 1.0
        await home.until_charging()
        home.radio.lost_answer = 0.0
        await home.pass_time(120)
        starts = [line for line in await home.audit() if line["action"] == "start"]
        assert [line["result_class"] for line in starts] == [R.UNKNOWN_RESULT.value]
        assert home.car.starts == 1
