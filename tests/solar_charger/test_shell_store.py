"""A store that cannot be written: nothing new begins, what runs is steered all the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from solar_charger.commands import Action

from tests.solar_charger.home import Home, at_home


def read_only(home: Home, on: bool) -> None:
    """The disk refuses writes."""
    store = home.service.journal._store
    assert store is not None
    store.connection.execute(f"PRAGMA query_only = {int(on)}")


async def charging_unmeasured(home: Home) -> None:
    """MANUAL at full current in a house without a wall connector."""
    home.service.equipment.sources.pop("twc")
    charger = home.service.charger
    charger._adapt = lambda settings: replace(settings, has_twc=False)
    charger.settings = charger._settings()
    home.start()
    home.meter.free_w = -480.0
    await home.ask(Action.MODE, "MANUAL")
    await home.until_charging()
    await home.pass_time(180)


async def test_the_fuse_lowers_an_unmeasured_charge_though_nothing_can_be_stored(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path, main_fuse_amps=50, started=False) as home:
        await charging_unmeasured(home)
        before = home.car.amps
        assert before > 20
        read_only(home, True)
        await home.pass_time(60)
        assert home.service.journal.problem
        home.meter.free_w = -1600.0
        await home.pass_time(20)
        home.meter.free_w = -4000.0
        await home.pass_time(40)
        assert home.car.amps <= before - 14
