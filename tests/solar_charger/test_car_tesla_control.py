from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from solar_charger.car.adapters import choose, present
from solar_charger.car.keys import generate_key
from solar_charger.car.link import ResultClass as R
from solar_charger.car.link import VehicleLink
from solar_charger.car.tesla_control import Program, TeslaControlLink
from solar_charger.measurements import BodyState, CarState, ChargingState, SleepStatus
from solar_charger.testing.house import Car
from solar_charger.testing.tesla_control import (
    TROUBLES,
    FakeCarService,
    FakeTeslaControl,
    Outcome,
)

VIN = "5YJ3E1EA7KF000316"


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[FakeTeslaControl]:
    fake = FakeTeslaControl(Car(vin=VIN))
    async with FakeCarService(fake) as service:
        service.install(tmp_path)
        generate_key(tmp_path / "private.pem")
        yield fake


@pytest.fixture
def link(control: FakeTeslaControl, tmp_path: Path) -> TeslaControlLink:
    program = Program(
        VIN,
        tmp_path / "private.pem",
        tmp_path / "sessions.json",
        str(tmp_path / "tesla-control"),
        "hci1",
    )
    return TeslaControlLink(program, run_within_s=20)


def test_it_is_a_vehicle_link(link: TeslaControlLink) -> None:
    assert isinstance(link, VehicleLink)
    assert (link.name, link.proves_home, link.wakes_by_itself) == ("tesla_control", True, False)


async def test_flags_come_before_the_command_with_domain_and_adapter(
    link: TeslaControlLink, control: FakeTeslaControl, tmp_path: Path
) -> None:
    await link.set_amps(24)
    assert control.calls == [
        [
            "-ble", "-vin", VIN, "-key-file", str(tmp_path / "private.pem"),
            "-session-cache", str(tmp_path / "sessions.json"), "-bt-adapter", "hci1",
            "-domain", "infotainment", "charging-set-amps", "24",
        ]
    ]  # fmt: skip
    await link.read_body()
    assert control.calls[1][-3:] == ["-domain", "vcsec", "body-controller-state"]


async def test_a_charge_is_begun_changed_and_ended(
    link: TeslaControlLink, control: FakeTeslaControl
) -> None:
    assert (await link.set_amps(24)).result_class is R.OK
    assert (await link.start()).result_class is R.OK
    assert control.car.charging
    assert control.car.amps == 24
    assert (await link.start()).result_class is R.OK_ALREADY
    assert (await link.set_limit(70)).result_class is R.OK
    assert control.car.limit == 70
    assert (await link.stop()).result_class is R.OK
    assert (await link.stop()).result_class is R.OK_ALREADY
    assert (await link.ping()).ok
    assert not control.car.charging


async def test_reasons_of_the_car_come_back_as_classes(
    link: TeslaControlLink, control: FakeTeslaControl
) -> None:
    control.car.soc = 90
    assert (await link.start()).result_class is R.COMPLETE
    control.car.soc, control.car.pilot_amps = 50, 0
    assert (await link.start()).result_class is R.NO_POWER
    control.car.unplug()
    result = await link.start()
    assert result.result_class is R.NOT_PLUGGED
    assert "disconnected" in result.text


async def test_charge_state_and_body_controller_are_read(
    link: TeslaControlLink, control: FakeTeslaControl
) -> None:
    charge = await link.read_charge()
    assert charge.ok
    assert isinstance(charge.data, CarState)
    assert charge.data.battery_level == 65
    assert charge.data.charging_state is ChargingState.STOPPED
    body = await link.read_body()
    assert body.data == BodyState(SleepStatus.AWAKE, charge_port_open=True, user_present=False)


async def test_a_sleeping_car_is_told_from_one_out_of_range(
    link: TeslaControlLink, control: FakeTeslaControl
) -> None:
    control.car.asleep = True
    result = await link.start()
    assert result.result_class is R.ASLEEP
    assert (await link.read_charge()).result_class is R.ASLEEP
    assert control.car.heard == []
    control.trouble, control.body_answers = "out_of_range", False
    assert (await link.start()).result_class is R.UNREACHABLE


async def test_wake_ends_when_the_body_controller_says_awake(
    link: TeslaControlLink, control: FakeTeslaControl
) -> None:
    control.car.asleep = True
    result = await link.wake()
    assert result.ok
    assert result.data == BodyState(SleepStatus.AWAKE, charge_port_open=True, user_present=False)
    assert not control.car.asleep


async def test_a_car_that_does_not_wake_is_given_up_after_half_a_minute(
    link: TeslaControlLink, control: FakeTeslaControl
) -> None:
    now = [0.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds
        control.car.asleep = True

    control.car.command = lambda *_: None  # type: ignore[method-assign]
    link._clock, link._sleep = (lambda: now[0]), sleep
    run = control.run

    def stay_asleep(argv: list[str]) -> Outcome:
        outcome = run(argv)
        control.car.asleep = True
        return outcome

    control.run = stay_asleep  # type: ignore[method-assign]
    control.car.asleep = True
    result = await link.wake()
    assert result.result_class is R.TIMEOUT
    assert 30 <= now[0] <= 34


@pytest.mark.parametrize(
    ("trouble", "wanted"),
    [
        ("busy", R.BUSY),
        ("max_connections", R.MAX_CONN),
        ("unverified", R.UNKNOWN_RESULT),
        ("timeout", R.TIMEOUT),
        ("no_scan", R.UNREACHABLE),
        ("not_paired", R.NOT_PAIRED),
        ("role", R.ROLE),
        ("disabled", R.DISABLED),
        ("adapter", R.ADAPTER),
        ("permission", R.PERMISSION),
    ],
)
async def test_each_trouble_of_the_program_comes_back_as_its_class(
    link: TeslaControlLink, control: FakeTeslaControl, trouble: str, wanted: R
) -> None:
    control.trouble = trouble
    assert (await link.stop()).result_class is wanted
    assert trouble in TROUBLES


async def test_an_unverified_command_may_have_been_carried_out(
    link: TeslaControlLink, control: FakeTeslaControl
) -> None:
    control.trouble = "unverified"
    assert not (await link.start()).ok
    assert control.car.charging


async def test_a_stale_session_is_dropped_and_the_command_sent_once_more(
    link: TeslaControlLink, control: FakeTeslaControl, tmp_path: Path
) -> None:
    cache = tmp_path / "sessions.json"
    cache.write_text("{}")
    control.trouble, control.clear_session_trouble_after = "session", 1
    assert (await link.start()).result_class is R.OK
    assert not cache.exists()
    assert len(control.calls) == 2


async def test_a_session_that_stays_bad_is_not_tried_for_ever(
    link: TeslaControlLink, control: FakeTeslaControl, tmp_path: Path
) -> None:
    (tmp_path / "sessions.json").write_text("{}")
    control.trouble = "session"
    assert (await link.start()).result_class is R.SESSION
    assert len(control.calls) == 2


async def test_an_adapter_that_moved_serves_the_next_call(
    control: FakeTeslaControl, tmp_path: Path
) -> None:
    program = Program(
        VIN, tmp_path / "private.pem", tmp_path / "s.json", str(tmp_path / "tesla-control"), "hci1"
    )
    there = [("hci0", "hci2")]
    link = TeslaControlLink(program, run_within_s=20, adapters=lambda: there[0])
    control.trouble = "adapter"
    assert (await link.stop()).result_class is R.ADAPTER
    control.trouble = None
    assert (await link.stop()).result_class is R.OK_ALREADY
    used = [call[call.index("-bt-adapter") + 1] for call in control.calls]
    assert used == ["hci1", "hci0"]
    control.trouble, there[0] = "adapter", ("hci0", "hci1")
    await link.stop()
    await link.stop()
    assert control.calls[-1][control.calls[-1].index("-bt-adapter") + 1] == "hci1"


def test_adapters_are_listed_in_order_without_their_links(tmp_path: Path) -> None:
    for name in ("hci10", "hci2", "hci2:64", "rfkill0"):
        (tmp_path / name).mkdir()
    assert present(tmp_path) == ("hci2", "hci10")
    assert present(tmp_path / "none") == ()
    assert choose("", ("hci1",)) == ""
    assert choose("", ("hci1",), "hci0") == "hci1"
    assert choose("hci0", ()) == "hci0"


async def test_the_key_request_carries_our_public_key_and_the_small_role(
    link: TeslaControlLink, control: FakeTeslaControl, tmp_path: Path
) -> None:
    result = await link.pair()
    assert result.result_class is R.OK_PENDING
    assert "tapping NFC card" in result.text
    assert control.calls[0][-4:] == [
        "add-key-request", str(tmp_path / "private.pem.pub"), "charging_manager", "cloud_key",
    ]  # fmt: skip


async def test_pairing_without_a_key_says_what_to_do(
    link: TeslaControlLink, control: FakeTeslaControl, tmp_path: Path
) -> None:
    (tmp_path / "private.pem").unlink()
    result = await link.pair()
    assert result.result_class is R.CONFIG
    assert "make one first" in result.text
    assert control.calls == []


async def test_two_commands_never_run_the_program_at_once(
    link: TeslaControlLink, control: FakeTeslaControl
) -> None:
    control.delay_s = 0.2
    running, most = 0, 0
    original = link._run

    async def counted(*args: Any) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await original(*args)
        finally:
            running -= 1

    link._run = counted  # type: ignore[method-assign, assignment]
    await asyncio.gather(link.set_amps(10), link.set_amps(12), link.start())
    assert most == 1


async def test_a_program_that_hangs_is_killed_and_the_result_is_unknown(tmp_path: Path) -> None:
    script = tmp_path / "tesla-control"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nsleep 600\n")
    script.chmod(0o755)
    program = Program(VIN, tmp_path / "k", tmp_path / "s", str(script))
    result = await TeslaControlLink(program, run_within_s=0.5).stop()
    assert result.result_class is R.TIMEOUT
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_a_cancelled_call_leaves_no_program_behind(tmp_path: Path) -> None:
    script = tmp_path / "tesla-control"
    fifo = tmp_path / "started"
    os.mkfifo(fifo)
    script.write_text(f"#!/bin/sh\necho $$ > {fifo}\nsleep 600\n")
    script.chmod(0o755)
    link = TeslaControlLink(Program(VIN, tmp_path / "k", tmp_path / "s", str(script)))
    said = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    started = asyncio.Event()
    asyncio.get_running_loop().add_reader(said, started.set)
    task = asyncio.create_task(link.stop())
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait({task, waiting}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    asyncio.get_running_loop().remove_reader(said)
    assert not task.done(), task.result()
    pid = int(os.read(said, 100))
    os.close(said)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(20):
            await task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_missing_program_and_one_without_rights_are_configuration(tmp_path: Path) -> None:
    missing = Program(VIN, tmp_path / "k", tmp_path / "s", str(tmp_path / "nothing"))
    assert (await TeslaControlLink(missing).stop()).result_class is R.CONFIG
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")
    plain.chmod(stat.S_IRUSR)
    found = await TeslaControlLink(Program(VIN, tmp_path / "k", tmp_path / "s", str(plain))).stop()
    assert found.result_class is R.PERMISSION


async def test_shell_signs_in_an_argument_stay_an_argument(
    tmp_path: Path, control: FakeTeslaControl
) -> None:
    program = Program(
        "$(touch x);`id`", tmp_path / "k", tmp_path / "s", str(tmp_path / "tesla-control")
    )
    await TeslaControlLink(program).stop()
    assert control.calls[0][2] == "$(touch x);`id`"
