"""The log of all messages: masked, rotating, of no weight for the relay whatever the disk does."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ocpp_proxy.messagelog import MOST_WAITING, MessageLog
from ocpp_proxy.relay.events import Leg
from ocpp_proxy.rotation import Rotation

from tests.ocpp_proxy.harness import central_system, charger, proxy_process, until
from tests.ocpp_proxy.paged import ask, begun, paged

WALL = 1_795_262_400.0
PLENTY = 1 << 40


@asynccontextmanager
async def writing(folder: Path, **more: Any) -> AsyncIterator[MessageLog]:
    log = MessageLog(folder, **{"free": lambda _: PLENTY, "look_again": 0.0, **more})
    log.start()
    yield log
    await log.stop()


def say(log: MessageLog, data: str, leg: Leg = Leg.CHARGER, monotonic: float = 0.0) -> None:
    log.message("CP1", leg, data.encode(), True, monotonic, WALL)


def lines(folder: Path) -> list[Any]:
    paths = Rotation(folder / "messages" / "messages.jsonl").existing()
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


async def test_each_message_is_a_line_with_its_answer_time_and_without_secrets(
    tmp_path: Path,
) -> None:
    async with writing(tmp_path) as log:
        key = {"key": "AuthorizationKey", "value": "0123456789abcdef"}
        say(log, json.dumps([2, "1", "ChangeConfiguration", key]), Leg.UPSTREAM)
        say(log, '[3,"1",{"status":"Accepted"}]', monotonic=0.25)
        say(log, '[2,"2","Authorize",{"idTag":"04A2B3C4D5E69F"}]')
    asked, answered, authorized = lines(tmp_path)
    assert (asked["time"], asked["station"]) == ("2026-11-21T12:00:00.000Z", "CP1")
    assert (asked["direction"], asked["action"]) == ("down", "ChangeConfiguration")
    assert "0123456789abcdef" not in asked["payload"]
    assert (answered["action"], answered["ms"]) == ("ChangeConfiguration", 250.0)
    assert "04A2…9F" in authorized["payload"]


async def test_a_long_message_is_cut_and_its_size_told(tmp_path: Path) -> None:
    data = '[2,"1","DataTransfer",{"data":"' + "x" * 900_000 + '"}]'
    async with writing(tmp_path) as log:
        say(log, data)
    (line,) = lines(tmp_path)
    assert line["size"] == len(data)
    assert len(line["payload"]) < 2200
    assert "more characters" in line["payload"]


async def test_hostile_bytes_do_not_break_a_line(tmp_path: Path) -> None:
    async with writing(tmp_path) as log:
        log.message("a\n\ud800", Leg.CHARGER, b'\xff\n[2,"\r\n', True, 0.0, WALL)
    assert len(lines(tmp_path)) == 1


def test_a_full_file_makes_room_for_the_next_and_the_oldest_goes(tmp_path: Path) -> None:
    rotation = Rotation(tmp_path / "log" / "m.jsonl", files=3, most_bytes=100)
    for number in range(20):
        rotation.append(b"%39d\n" % number)
    rotation.close()
    assert [path.name for path in rotation.existing()] == ["m.2.jsonl", "m.1.jsonl", "m.jsonl"]
    kept = [int(line) for path in rotation.existing() for line in path.read_text().split()]
    assert kept == [14, 15, 16, 17, 18, 19]
    assert all(path.stat().st_size <= 100 for path in rotation.existing())


def test_after_a_restart_writing_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for text in (b"one\n", b"two\n"):
        rotation = Rotation(tmp_path / "m.jsonl")
        rotation.append(text)
        rotation.close()
    assert (tmp_path / "m.jsonl").read_bytes() == b"one\ntwo\n"


def test_a_line_that_could_not_be_finished_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation = Rotation(tmp_path / "m.jsonl")
    rotation.append(b"whole\n")
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half_then_full(os.write))
        with pytest.raises(OSError, match="No space left"):
            rotation.append(b"x" * 50 + b"\n")
    rotation.append(b"again\n")
    rotation.close()
    assert (tmp_path / "m.jsonl").read_bytes() == b"whole\nagain\n"


def half_then_full(write: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
    """A disk that takes half of a write and then nothing."""
    written: list[int] = []

    def stub(handle: int, data: bytes) -> int:
        if written:
            raise OSError(28, "No space left on device")
        written.append(write(handle, data[: len(data) // 2]))
        return written[0]

    return stub


async def test_a_full_disk_is_one_line_and_when_there_is_room_it_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    free = [0]
    async with writing(tmp_path, free=lambda _: free[0]) as log:
        for number in range(3):
            say(log, f'[2,"{number}","Heartbeat",{{}}]')
            await until(lambda: log.dropped == number + 1)  # noqa: B023 - waited for at once
        assert not (tmp_path / "messages").exists()
        free[0] = PLENTY
        say(log, '[2,"9","Heartbeat",{}]')
        await until(lambda: lines(tmp_path))
    assert [line["id"] for line in lines(tmp_path)] == ["9"]
    assert caplog.text.count("message log is off") == 1
    assert "on again, 3 messages are missing" in caplog.text


async def test_a_folder_that_cannot_be_written_costs_the_log_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "messages").write_text("in the way")
    async with writing(tmp_path) as log:
        say(log, '[2,"1","Heartbeat",{}]')
        await until(lambda: log.dropped)
    assert caplog.text.count("message log is off") == 1


async def test_a_disk_that_hangs_costs_messages_and_no_time(tmp_path: Path) -> None:
    hangs = threading.Event()

    def free(_: Path) -> int:
        hangs.wait()
        return PLENTY

    log = MessageLog(tmp_path, free=free)
    log.start()
    for _ in range(MOST_WAITING + 500):
        say(log, '[2,"1","Heartbeat",{}]')
    assert log.dropped > 0
    hangs.set()
    await asyncio.to_thread(log._waiting.put, None)
    await asyncio.to_thread(log._thread.join)
    assert len(lines(tmp_path)) + log.dropped == MOST_WAITING + 500


async def test_a_hanging_disk_does_not_hold_up_the_end(tmp_path: Path) -> None:
    hangs = threading.Event()
    log = MessageLog(tmp_path, free=lambda _: int(hangs.wait()) + PLENTY)
    log.start()
    say(log, '[2,"1","Heartbeat",{}]')
    await log.stop(within=0.05)
    assert log._thread.is_alive()
    hangs.set()
    await asyncio.to_thread(log._thread.join)


async def test_the_program_writes_the_log_when_told_to(tmp_path: Path) -> None:
    async with central_system() as central:
        options = {"target_url": central.url, "message_log": True}
        async with proxy_process(tmp_path, options=options) as process:
            await begun(process)
            async with charger(process.port) as box:
                await box.send('[2,"1","Heartbeat",{}]')
                await until(lambda: central.messages)
            assert await process.stop() == 0
        (line,) = lines(tmp_path / "data")
        assert line["action"] == "Heartbeat"
        mode = (tmp_path / "data" / "messages" / "messages.jsonl").stat().st_mode
        assert mode & 0o777 == 0o600


async def test_with_a_log_the_page_offers_its_files(tmp_path: Path) -> None:
    rotation = Rotation(tmp_path / "messages" / "messages.jsonl", most_bytes=10)
    for text in (b'"older"\n', b'"newer"\n'):
        rotation.append(text)
    rotation.close()
    log = MessageLog(tmp_path, rotation=rotation)
    async with (
        central_system() as central,
        paged(tmp_path, central.port, more={"message_log": log}) as at,
    ):
        assert (await ask(at.page, "/download/messages")).text == '"older"\n"newer"\n'
        assert "Download the log" in (await ask(at.page)).text
