"""What is remembered of stations, and who may replace whom."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp_proxy.bootcache import BootCache
from ocpp_proxy.session import Session
from ocpp_proxy.stations import Stations
from ocpp_proxy.takeover import TakeoverGuard
from ocpp_proxy.targets import Target

from tests.ocpp_proxy.harness import until

BOOT = '{"chargePointVendor":"AcTec","chargePointModel":"Säule"}'
KEY = (Target("evcc", 8887), "/CP1")


def stations(folder: Path, most: int = 100) -> Stations:
    return Stations(BootCache(folder, delay=0.0), lambda: 1_800_000_000.5, most)


def booted(name: str, number: int = 1) -> bytes:
    return f'[2,"{number}","BootNotification",{BOOT.replace("AcTec", name)}]'.encode()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def saved(folder: Path, *names: str) -> dict[str, Any]:
    all_of_them = stations(folder)
    all_of_them.load()
    for name in names:
        station = all_of_them.station(name)
        station.memory.saw("BootNotification", booted(name))
        all_of_them.changed(station)
    await all_of_them.close()
    return json.loads((folder / "stations.json").read_text())  # type: ignore[no-any-return]


async def test_boot_data_survive_a_restart(tmp_path: Path) -> None:
    await saved(tmp_path, "CP1", "ä/../x")
    again = stations(tmp_path)
    assert again.load() == 2
    found = again.find("ä/../x")
    assert found is not None
    assert found.memory.boot_call("px-1") == (
        b'[2,"px-1","BootNotification",' + BOOT.replace("AcTec", "ä/../x").encode() + b"]"
    )
    assert names(tmp_path) == ["stations.json"]


async def test_a_change_is_written_without_being_asked(tmp_path: Path) -> None:
    known = stations(tmp_path)
    station = known.station("CP1")
    station.memory.saw("BootNotification", booted("CP1"))
    known.changed(station)
    await until(lambda: names(tmp_path) == ["stations.json"])
    await known.close()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"format":2,"stations":{}}', b'{"stations":{}}',
     b'{"format":1,"stations":[]}', b"[" * 100_000, b"\x00" * 5_000_000],
)  # fmt: skip
async def test_a_damaged_file_is_set_aside_with_a_line(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "stations.json").write_bytes(content)
    assert stations(tmp_path).load() == 0
    assert (tmp_path / "stations.damaged").read_bytes() == content
    assert "was damaged" in caplog.text
    await saved(tmp_path, "CP1")


# The file system is slow; the reader's branches are few.
@settings(max_examples=200)
@given(st.binary(max_size=100) | st.text().map(lambda text: text.encode("utf-8", "replace")) |
       st.dictionaries(st.text(), st.dictionaries(st.sampled_from(["boot", "seen"]), st.none() |
       st.integers() | st.text() | st.floats())).map(
           lambda value: json.dumps({"format": 1, "stations": value}).encode()))  # fmt: skip
def test_no_file_prevents_a_start(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("data")
    (folder / "stations.json").write_bytes(content)
    stations(folder).load()


@pytest.mark.parametrize("seen", ["NaN", "1e999", "-1", "9" * 400, '"x"', "null"])
async def test_an_impossible_time_in_the_file_harms_nobody(tmp_path: Path, seen: str) -> None:
    text = f'{{"format": 1, "stations": {{"zz": {{"seen": {seen}}}}}}}'
    (tmp_path / "stations.json").write_text(text)
    kept = stations(tmp_path)
    kept.load()
    assert all(station.seen == 0 for station in kept)


async def test_a_write_that_failed_is_tried_again(tmp_path: Path) -> None:
    cache = BootCache(tmp_path, delay=0.0)
    cache.path.mkdir()
    cache.save_soon(lambda: {"CP1": {}})
    await until(lambda: not cache.writable, "the failure was not noticed")
    cache.path.rmdir()
    await until(lambda: cache.path.is_file() and cache.writable, "it was not tried again")
    await cache.close()


async def test_a_full_disk_is_said_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await saved(tmp_path, "CP1")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    known = stations(tmp_path)
    known.load()
    station = known.station("CP2")
    station.memory.saw("BootNotification", booted("CP2"))
    known.changed(station)
    await known.close()
    assert not known.writable
    assert "No space left" in caplog.text
    assert names(tmp_path) == ["stations.json"]
    assert "CP2" not in (tmp_path / "stations.json").read_text()


async def test_only_a_hundred_stations_are_kept_the_longest_unseen_go(tmp_path: Path) -> None:
    known = stations(tmp_path, most=3)
    for number, name in enumerate("abcde"):
        known.station(name).seen = float(number)
    assert [station.id for station in known] == ["c", "d", "e"]


async def test_a_station_is_forgotten_on_request(tmp_path: Path) -> None:
    known = stations(tmp_path)
    known.station("CP1")
    assert known.forget("CP1")
    assert not known.forget("CP1")
    assert len(known) == 0
    await known.close()


async def test_a_forgotten_station_that_is_connected_stays_without_its_boot(
    tmp_path: Path,
) -> None:
    known = stations(tmp_path)
    station = known.station("CP1")
    station.memory.saw("BootNotification", booted("CP1"))
    station.session = cast(Session, object())
    assert known.forget("CP1")
    assert known.find("CP1") is station
    assert station.memory.boot is None
    await known.close()
    saved = json.loads((tmp_path / "stations.json").read_text())
    assert saved["stations"]["CP1"]["boot"] is None


async def test_newcomers_of_one_path_wait_for_each_other_and_locks_do_not_pile_up(
    tmp_path: Path,
) -> None:
    known, order = stations(tmp_path), []

    async def come(name: str) -> None:
        async with known.lock(KEY):
            order.append(name)
            await asyncio.sleep(0)
            order.append(name)

    cancelled = asyncio.create_task(come("x"))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(come("a"), come("b"), cancelled, return_exceptions=True)
    assert order[-4:] == ["a", "a", "b", "b"]
    assert known._locks == {}


async def test_places_are_limited_while_dialling(tmp_path: Path) -> None:
    known = stations(tmp_path)
    with known.place(1, KEY) as first, known.place(1, (KEY[0], "/CP2")) as second:
        assert (first, second) == (True, False)
    with known.place(1, KEY) as again:
        assert again


def test_a_box_that_comes_back_from_its_own_address_is_always_admitted() -> None:
    guard = TakeoverGuard()
    assert all(guard.admits(KEY, "a", "a", float(second)) for second in range(100))


def test_two_boxes_with_one_id_are_stopped_for_a_minute() -> None:
    guard = TakeoverGuard()
    assert all(guard.admits(KEY, "ab"[n % 2], "ba"[n % 2], n * 10.0) for n in range(5))
    assert not guard.admits(KEY, "b", "a", 50.0)
    assert not guard.admits(KEY, "b", "a", 109.0)
    assert guard.admits(KEY, "b", "b", 60.0)
    assert guard.admits((KEY[0], "/other"), "b", "a", 60.0)
    assert guard.admits(KEY, "b", "a", 111.0)


def test_slow_changes_of_address_are_no_fight() -> None:
    guard = TakeoverGuard()
    assert all(guard.admits(KEY, str(n), str(n + 1), n * 13.0) for n in range(50))
