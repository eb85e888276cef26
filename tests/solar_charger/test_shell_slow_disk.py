"""A disk that hangs: no stop waits for it, no charge begins, no write is cut in two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from solar_charger.clock import VirtualClock
from solar_charger.commands import Action
from solar_charger.journal import Journal, SettingRow

from solar_charger import carry_out, worker
from tests.solar_charger.home import NOON, Home, at_home

T = TypeVar("T")
WITHIN_S = 15.0


class SlowDisk:
    """The clock of a journal whose disk answers once `answers` is set."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.now, self.wall, self.sleep = clock.now, clock.wall, clock.sleep
        self.answers = asyncio.Event()
        self.asked = asyncio.Event()

    async def aside(self, work: Callable[[], T]) -> T:
        self.asked.set()
        await self.answers.wait()
        return work()


@contextmanager
def hanging(home: Home) -> Iterator[SlowDisk]:
    """The disk hangs. It is waited for in real seconds, which made time would run past."""
    disk = SlowDisk(home.clock)
    home.service.journal._clock = disk
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "NOTE_S", 0.0)
        patch.setattr(worker, "NOTE_START_S", 0.0)
        patch.setattr(carry_out, "STORE_STOP_S", 0.0)
        yield disk
    disk.answers.set()


async def test_a_disk_that_hangs_keeps_no_stop_from_the_car(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 4000.0
        await home.until_charging()
        await home.pass_time(60)
        with hanging(home) as disk:
            home.service.charger.controller.press_stop()
            await home.pass_time(60)
            assert disk.asked.is_set()
            assert home.car.amps == 0.0
            assert "store_unwritable" in home.alarms
        await home.pass_time(30)
        assert "store_unwritable" not in home.alarms


async def test_a_stop_is_taken_while_the_disk_hangs(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 4000.0
        await home.until_charging()
        await home.pass_time(60)
        with hanging(home):
            pressed = asyncio.create_task(home.ask(Action.CHARGE, "stop"))
            await home.pass_time(30)
            assert pressed.done()
            assert pressed.result().status == 202
            assert home.car.amps == 0.0


async def test_no_charge_begins_while_the_disk_hangs(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.pass_time(60)
        with hanging(home):
            home.meter.free_w = 4000.0
            await home.pass_time(900)
            assert home.car.amps == 0.0
        await home.until_charging()


@pytest.fixture
async def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path, VirtualClock(NOON.timestamp()))
    made.open()
    return made


async def test_a_write_that_has_begun_ends_though_nobody_waits_any_more(journal: Journal) -> None:
    disk = SlowDisk(VirtualClock(NOON.timestamp()))
    journal._clock = disk
    journal.keep("one", 1)
    writing = asyncio.create_task(journal.commit())
    async with asyncio.timeout(WITHIN_S):
        await disk.asked.wait()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    journal.keep("two", 2)
    disk.answers.set()
    await journal.commit()
    store = journal._store
    assert store is not None
    assert store.state() == {"one": 1, "two": 2}
    await journal.close()


async def test_a_setting_given_up_in_the_middle_is_in_force_where_it_was_stored(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path, started=False) as home:
        disk = SlowDisk(home.clock)
        journal = home.service.journal
        journal._clock = disk
        asked = asyncio.create_task(home.ask(Action.SETTINGS, {"max_amps": 20}))
        async with asyncio.timeout(WITHIN_S):
            await disk.asked.wait()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        disk.answers.set()
        await journal.commit()
        await asyncio.sleep(0)
        assert journal._store is not None
        stored = journal._store.settings()["max_amps"]
        assert stored == SettingRow(20, 48)
        assert home.service.charger.settings.max_amps == 20


async def test_a_setting_given_up_before_its_turn_changes_nothing(tmp_path: Path) -> None:
    async with at_home(tmp_path, started=False) as home:
        disk = SlowDisk(home.clock)
        journal = home.service.journal
        journal._clock = disk
        journal.keep("one", 1)
        first = asyncio.create_task(journal.commit())
        async with asyncio.timeout(WITHIN_S):
            await disk.asked.wait()
        asked = asyncio.create_task(home.ask(Action.SETTINGS, {"max_amps": 20}))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        disk.answers.set()
        await first
        assert journal._store is not None
        assert "max_amps" not in journal._store.settings()
        assert home.service.charger.settings.max_amps == 48
