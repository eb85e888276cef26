from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.json_values import UnreadableAnswerError
from solar_charger.measurements import Quality
from solar_charger.sources.envoy import answers
from solar_charger.sources.envoy.cloud import Account, new_token
from solar_charger.sources.envoy.figures import from_production, from_readings, from_stream
from solar_charger.sources.envoy.gateway import Access, Gateway
from solar_charger.sources.envoy.source import NO_GRID, EnvoySource, to_readings
from solar_charger.sources.envoy.stream import EnvoyStream
from solar_charger.sources.envoy.token import TokenFile, parse_token, renewal_due
from solar_charger.sources.polling import Poller
from solar_charger.sources.readings import SourceError, SourceRefusedError, Stamps
from solar_charger.testing.gateway import (
    FIRMWARE_5,
    UNMETERED,
    FakeEnphaseCloud,
    FakeGateway,
    Firmware,
    make_token,
)
from solar_charger.testing.gateway_answers import info
from solar_charger.testing.house import Car, House

from tests.solar_charger.fakes import Clock, Collector, as_bytes, json_values, known, objects_with


def house(**more: Any) -> House:
    return House(pv_w=5200, base_w=450, car=Car(charging=True, request_amps=10), **more)


def source_for(
    gateway: FakeGateway,
    tmp_path: Path,
    *,
    token: str | None = None,
    account: Account | None = None,
    clock: Clock | None = None,
    wall: Callable[[], float] | None = None,
) -> EnvoySource:
    tokens = TokenFile(tmp_path / "token", gateway.token if token is None else token)
    ticks = clock or time.monotonic
    access = Access(tokens, account)
    reader = Gateway(gateway.host, access, clock=ticks, wall=wall or time.time)
    return EnvoySource(reader, clock=ticks)


async def test_a_metered_gateway_tells_grid_sun_house_and_phases(tmp_path: Path) -> None:
    home = house()
    async with FakeGateway(home) as gateway:
        readings = await source_for(gateway, tmp_path).poll()
    assert known(readings.grid_w).value == pytest.approx(home.grid_w)
    assert known(readings.grid_w).value < 0
    assert known(readings.grid_w).quality is Quality.GOOD
    assert known(readings.production_w).value == pytest.approx(5200)
    assert known(readings.load_w).value == pytest.approx(home.load_w)
    assert known(readings.voltage_v).value == pytest.approx(240)
    a, b, c = known(readings.grid_phase_a).value
    assert (a, b) == pytest.approx(tuple(home.grid_amps()))
    assert c is None
    assert gateway.asked["/auth/check_jwt"] == 1


async def test_three_phases_are_told_one_by_one(tmp_path: Path) -> None:
    home = house(wiring="three")
    async with FakeGateway(home) as gateway:
        readings = await source_for(gateway, tmp_path).poll()
    assert known(readings.grid_phase_a).value == pytest.approx(tuple(home.grid_amps()))
    assert known(readings.voltage_v).value == pytest.approx(230)


async def test_a_ca_bundle_in_the_environment_does_not_stop_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with FakeGateway(house()) as gateway:
        assert (await source_for(gateway, tmp_path).poll()).grid_w is not None


async def test_firmware_5_is_read_over_http_with_digest(tmp_path: Path) -> None:
    async with FakeGateway(house(), FIRMWARE_5) as gateway:
        readings = await source_for(gateway, tmp_path, token="").poll()
    assert known(readings.grid_w).value == pytest.approx(house().grid_w)
    assert gateway.asked["/auth/check_jwt"] == 0


async def test_without_meter_paths_the_summary_is_read(tmp_path: Path) -> None:
    async with FakeGateway(house(), Firmware(meters_paths=False)) as gateway:
        readings = await source_for(gateway, tmp_path).poll()
    assert known(readings.grid_w).value == pytest.approx(house().grid_w, abs=1)
    assert known(readings.voltage_v).value == pytest.approx(120)


async def test_a_house_meter_gives_the_grid_as_an_estimate(tmp_path: Path) -> None:
    firmware = Firmware(kinds=("production", "total-consumption"))
    async with FakeGateway(house(), firmware) as gateway:
        readings = await source_for(gateway, tmp_path).poll()
    assert known(readings.grid_w).value == pytest.approx(house().grid_w)
    assert known(readings.grid_w).quality is Quality.ESTIMATED
    assert readings.grid_phase_a is None


async def test_without_a_consumption_meter_there_is_production_and_a_clear_word(
    tmp_path: Path,
) -> None:
    async with FakeGateway(house(), UNMETERED) as gateway:
        readings = await source_for(gateway, tmp_path).poll()
    assert readings.grid_w is None
    assert known(readings.production_w).value == 5200
    assert NO_GRID in readings.problems


async def test_the_fault_of_8_3_5433_does_not_halve_the_house(tmp_path: Path) -> None:
    firmware = Firmware("D8.3.5433", meters_paths=False, total_is_net=True)
    async with FakeGateway(house(), firmware) as gateway:
        readings = await source_for(gateway, tmp_path).poll()
    assert known(readings.load_w).value == pytest.approx(house().load_w, abs=1)


async def test_a_frozen_gateway_grows_old_from_the_first_answer_with_that_stamp(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with FakeGateway(house()) as gateway:
        source = source_for(gateway, tmp_path, clock=clock)
        first = await source.poll()
        gateway.frozen = True
        clock.now += 5
        await source.poll()
        clock.now += 115
        later = await source.poll()
        gateway.frozen = False
        gateway.house.wall = lambda: 2e9
        fresh = await source.poll()
    assert known(first.grid_w).measured_at == 1000
    assert known(later.grid_w).measured_at <= 1005
    assert known(later.grid_w).age(clock.now) >= 115
    assert known(fresh.grid_w).age(clock.now) == 0


async def test_a_clock_that_stands_behind_makes_nothing_older(tmp_path: Path) -> None:
    clock = Clock()
    async with FakeGateway(house()) as gateway:
        gateway.stamp_lag_s = 86400 * 365
        readings = await source_for(gateway, tmp_path, clock=clock).poll()
    assert known(readings.grid_w).measured_at == clock.now


@pytest.mark.parametrize("watts", [250_000.0, -1e9])
async def test_an_impossible_power_is_left_out_and_said(tmp_path: Path, watts: float) -> None:
    async with FakeGateway(house()) as gateway:
        gateway.absurd_w = watts
        readings = await source_for(gateway, tmp_path).poll()
    assert readings.grid_w is None
    assert any("impossible" in problem for problem in readings.problems)
    assert known(readings.production_w).value == 5200


async def test_a_wrong_token_without_account_says_what_to_do(tmp_path: Path) -> None:
    async with FakeGateway(house()) as gateway:
        with pytest.raises(SourceRefusedError, match="envoy_token"):
            await source_for(gateway, tmp_path, token=make_token(1)).poll()
        with pytest.raises(SourceRefusedError, match="envoy_token"):
            await source_for(gateway, tmp_path, token="").poll()
        with pytest.raises(SourceRefusedError, match="envoy_token"):
            await source_for(gateway, tmp_path, token="not.a.token!").poll()


async def test_an_expired_session_is_opened_again_with_the_same_token(tmp_path: Path) -> None:
    async with FakeGateway(house()) as gateway:
        source = source_for(gateway, tmp_path)
        await source.poll()
        gateway.sessions.clear()
        gateway.faults.status = 401
        with pytest.raises(SourceRefusedError):
            await source.poll()
        gateway.faults.status = None
        assert (await source.poll()).grid_w is not None


def account_at(cloud: FakeEnphaseCloud, password: str = "sunshine") -> Account:
    return Account(
        "owner@example.org", password, f"{cloud.url}/login/login.json?", f"{cloud.url}/tokens"
    )


async def test_a_refused_token_is_renewed_once_and_kept(tmp_path: Path) -> None:
    async with FakeGateway(house()) as gateway, FakeEnphaseCloud(gateway) as cloud:
        source = source_for(gateway, tmp_path, token=make_token(5), account=account_at(cloud))
        assert (await source.poll()).grid_w is not None
        assert cloud.asked["/tokens"] == 1
        assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
        again = source_for(gateway, tmp_path, token=make_token(5), account=account_at(cloud))
        assert (await again.poll()).grid_w is not None
        assert cloud.asked["/tokens"] == 1


async def test_renewal_is_tried_once_in_six_hours(tmp_path: Path) -> None:
    clock = Clock()
    async with FakeGateway(house()) as gateway, FakeEnphaseCloud(gateway) as cloud:
        account = account_at(cloud, "wrong")
        source = source_for(gateway, tmp_path, token="", account=account, clock=clock)
        for _ in range(3):
            with pytest.raises(SourceError):
                await source.poll()
        assert cloud.asked["/login/login.json"] == 1
        clock.now += 6 * 3600
        with pytest.raises(SourceRefusedError, match="user name and password"):
            await source.poll()
        assert cloud.asked["/login/login.json"] == 2


async def test_a_second_factor_asks_for_a_pasted_token(tmp_path: Path) -> None:
    async with FakeGateway(house()) as gateway, FakeEnphaseCloud(gateway) as cloud:
        cloud.second_factor = True
        with pytest.raises(SourceRefusedError, match="paste"):
            await asyncio.to_thread(new_token, account_at(cloud), gateway.serial)


async def test_a_token_near_its_end_is_renewed_while_reading_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    async with FakeGateway(house()) as gateway, FakeEnphaseCloud(gateway) as cloud:
        soon = make_token(2_000_000_000, serial=gateway.serial)
        gateway.tokens = {soon}
        source = source_for(
            gateway, tmp_path, token=soon, account=account_at(cloud), clock=clock,
            wall=lambda: 2_000_000_000 - 29 * 86400,
        )  # fmt: skip
        assert (await source.poll()).grid_w is not None
        clock.now += 3700
        cloud.faults.status = 500
        assert (await source.poll()).grid_w is not None
        clock.now += 6 * 3600
        cloud.faults.status = None
        assert (await source.poll()).grid_w is not None
        assert gateway.tokens != {soon}


async def test_a_dead_gateway_fails_and_comes_back_by_itself(tmp_path: Path) -> None:
    gateway = FakeGateway(house())
    async with gateway:
        source = source_for(gateway, tmp_path)
        await source.poll()
    with pytest.raises(SourceError):
        await source.poll()
    async with gateway:
        assert (await source.poll()).grid_w is not None


async def test_only_one_question_is_under_way_at_a_time(tmp_path: Path) -> None:
    async with FakeGateway(house()) as gateway:
        gateway.faults.delay_s = 0.05
        source = source_for(gateway, tmp_path)
        await asyncio.gather(*(source.poll() for _ in range(4)))
    assert gateway.asked["/ivp/meters"] == 1
    assert gateway.asked["/info"] == 1


async def test_polling_reports_failures_and_goes_on(tmp_path: Path) -> None:
    collector = Collector()
    async with FakeGateway(house()) as gateway:
        gateway.faults.status = 500
        poller = Poller(source_for(gateway, tmp_path), 0.05)
        task = asyncio.create_task(poller.run(collector))
        await collector.until(lambda c: len(c.errors) >= 2)
        gateway.faults.status = None
        await collector.until(lambda c: len(c.readings) >= 2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_stream_delivers_each_event(tmp_path: Path) -> None:
    collector = Collector()
    home = house()
    async with FakeGateway(home) as gateway:
        gateway.stream_period_s = 0.02
        polled = source_for(gateway, tmp_path)
        stream = EnvoyStream(polled._gateway, polled, 5)
        task = asyncio.create_task(stream.run(collector))
        await collector.until(lambda c: len(c.readings) >= 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert known(collector.readings[0].grid_w).value == pytest.approx(home.grid_w)
    assert known(collector.readings[0].grid_phase_a).value[:2] == pytest.approx(
        tuple(home.grid_amps())
    )
    assert collector.errors == []


async def test_without_a_stream_polling_takes_its_place(tmp_path: Path) -> None:
    collector = Collector()
    async with FakeGateway(house(), Firmware(stream=False)) as gateway:
        polled = source_for(gateway, tmp_path)
        task = asyncio.create_task(EnvoyStream(polled._gateway, polled, 0.05).run(collector))
        await collector.until(lambda c: len(c.readings) >= 2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert "polling instead" in collector.errors[0]


async def test_a_stream_that_stands_still_is_left_for_polling(tmp_path: Path) -> None:
    collector = Collector()
    clock = Clock()
    async with FakeGateway(house()) as gateway:
        gateway.stream_period_s = 0.02
        gateway.frozen = True
        polled = source_for(gateway, tmp_path)
        stream = EnvoyStream(polled._gateway, polled, 0.05, clock=clock)
        task = asyncio.create_task(stream.run(collector))
        await collector.until(lambda c: len(c.readings) >= 2)
        assert {known(r.grid_w).measured_at for r in collector.readings} == {1000.0}
        clock.now += 31
        await collector.until(lambda c: any("stands still" in error for error in c.errors))
        await collector.until(lambda c: gateway.asked["/ivp/meters/readings"] > 0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_info_is_read_for_old_and_new_firmware() -> None:
    new = answers.parse_info(
        info("122233344455", "D8.2.4401", metered=True, web_tokens=True).encode()
    )
    assert (new.serial, new.firmware, new.metered, new.web_tokens) == (
        "122233344455", (8, 2, 4401), True, True,
    )  # fmt: skip
    old = answers.parse_info(
        info("122233344455", "R3.17.3", metered=False, web_tokens=False).encode()
    )
    assert old.firmware == (3, 17, 3)
    assert not old.web_tokens


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"{}",
        b'<!DOCTYPE x [<!ENTITY a "b">]><envoy_info/>',
        b"\xff\xfe",
        b"<a>" * 70_000,
    ],
)
def test_what_is_no_info_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableAnswerError):
        answers.parse_info(body)


def test_meters_are_joined_by_eid_and_unknown_ones_left_out() -> None:
    meters = [
        answers.Meter(1, "production", True, "three", "normal"),
        answers.Meter(2, "net-consumption", True, "three", "normal"),
    ]
    rows = answers.parse_readings(
        as_bytes(
            [
                {"eid": 9, "activePower": 99999, "timestamp": 5},
                {
                    "eid": 2,
                    "activePower": -400.5,
                    "timestamp": 6,
                    "channels": [{"activePower": -400.5, "current": 1.8, "voltage": 230}],
                },
                {"eid": 1, "activePower": 1000, "timestamp": 5},
                {"no": "eid"},
            ]
        )
    )  # fmt: skip
    figures = from_readings(meters, rows)
    assert (figures.grid_w, figures.production_w, figures.load_w) == (-400.5, 1000, 599.5)
    assert figures.phase_amps == (-1.8, None, None)
    assert figures.stamp == (6,)


def test_a_missing_or_null_power_is_unknown_and_not_zero() -> None:
    meters = [answers.Meter(2, "net-consumption", True, "single", "normal")]
    for row in ({"eid": 2}, {"eid": 2, "activePower": None}, {"eid": 2, "activePower": "NaN"}):
        assert from_readings(meters, answers.parse_readings(as_bytes([row]))).grid_w is None


def test_production_takes_the_meter_only_where_one_counts() -> None:
    inverters = {"type": "inverters", "wNow": 900, "activeCount": 20}
    eim = {"type": "eim", "measurementType": "production", "wNow": 1000, "activeCount": 1}
    both = answers.parse_production(as_bytes({"production": [inverters, eim]}))
    assert from_production(both).production_w == 1000
    dead = answers.parse_production(
        as_bytes({"production": [inverters, {**eim, "activeCount": 0}]})
    )
    assert from_production(dead).production_w == 900


def test_consumption_goes_by_its_type_and_not_by_its_order() -> None:
    total = {"type": "eim", "activeCount": 1, "measurementType": "total-consumption", "wNow": 700}
    net = {"type": "eim", "activeCount": 1, "measurementType": "net-consumption", "wNow": -300}
    for consumption in ([total, net], [net, total]):
        parsed = answers.parse_production(as_bytes({"consumption": consumption}))
        assert from_production(parsed).grid_w == -300


def test_three_zero_energies_are_a_broken_endpoint_and_not_a_dark_sky() -> None:
    names = ("wattHoursToday", "wattHoursSevenDays", "wattHoursLifetime")
    broken = dict.fromkeys(names, 0) | {"wattsNow": 500}
    assert answers.parse_v1_production(as_bytes(broken)) is None
    assert answers.parse_v1_production(as_bytes({**broken, "wattHoursLifetime": 5})) == 500
    assert (
        answers.parse_v1_production(as_bytes({**broken, "wattHoursLifetime": 5, "wattsNow": 0}))
        == 0
    )


def test_a_stream_event_without_live_phases_of_a_kind_has_none_of_it() -> None:
    assert answers.parse_stream_event(b"") is None
    assert answers.parse_stream_event(b": ping") is None
    event = answers.parse_stream_event(
        b'data: {"net-consumption":{"ph-a":{"p":-500,"i":2.1,"v":240},"ph-b":{"p":0,"v":0}},'
        b'"total-consumption":{}}'
    )
    figures = from_stream(known(event))
    assert figures.grid_w == -500
    assert figures.load_w is None


def test_a_token_tells_its_end_and_never_itself() -> None:
    token = parse_token(" " + make_token(1_900_000_000) + "\n")
    assert (token.expires, token.user) == (1_900_000_000, "owner")
    assert token.raw not in repr(token)


def test_a_token_is_renewed_in_its_last_thirty_days_once_in_six_hours() -> None:
    token = parse_token(make_token(1_000_000_000))
    day = 86400
    assert not renewal_due(token, 1_000_000_000 - 31 * day, None, 50)
    assert renewal_due(token, 1_000_000_000 - 29 * day, None, 50)
    assert renewal_due(token, 1_000_000_000 + day, None, 50)
    assert not renewal_due(token, 1_000_000_000 + day, 40, 50)
    assert renewal_due(token, 1_000_000_000 + day, 40, 40 + 6 * 3600)
    assert not renewal_due(token, 1000, None, 50), "a clock of 1970 asks for nothing"


def test_a_newly_pasted_token_beats_the_stored_one(tmp_path: Path) -> None:
    first, renewed, pasted = (make_token(n) for n in (1, 2, 3))
    TokenFile(tmp_path / "t", first).save(parse_token(renewed))
    assert known(TokenFile(tmp_path / "t", first).load()).raw == renewed
    assert known(TokenFile(tmp_path / "t", pasted).load()).raw == pasted
    (tmp_path / "t").write_text("garbage")
    assert known(TokenFile(tmp_path / "t", first).load()).raw == first
    assert TokenFile(tmp_path / "t").load() is None


PARSERS = [
    answers.parse_info,
    answers.parse_meters,
    answers.parse_readings,
    answers.parse_production,
    answers.parse_v1_production,
    answers.parse_stream_event,
]
rows = objects_with(
    "eid", "timestamp", "activePower", "current", "voltage", "channels", "state",
    "measurementType", "phaseMode", "meteringStatus", "type", "wNow", "activeCount",
    "readingTime", "rmsVoltage", "lines",
)  # fmt: skip
bodies = (
    st.binary()
    | json_values.map(as_bytes)
    | st.lists(rows, max_size=3).map(as_bytes)
    | st.dictionaries(
        st.sampled_from(["production", "consumption"]), st.lists(rows, max_size=2), max_size=2
    ).map(as_bytes)
)  # fmt: skip


@given(st.sampled_from(PARSERS), bodies)
def test_any_answer_is_read_or_refused(parse: Callable[[bytes], object], body: bytes) -> None:
    for data in (body, b"data: " + body):
        try:
            parse(data)
        except UnreadableAnswerError:
            continue


@given(st.lists(rows, max_size=2), st.lists(rows, max_size=2))
def test_whatever_meters_say_gives_finite_figures_or_none(meters: object, readings: object) -> None:
    figures = from_readings(
        answers.parse_meters(as_bytes(meters)), answers.parse_readings(as_bytes(readings))
    )
    found = to_readings(figures, 5.0, "envoy", Stamps())
    for reading in (found.grid_w, found.production_w, found.load_w):
        assert reading is None or abs(reading.value) <= 100_000


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_a_token_or_refused(text: str) -> None:
    for raw in (text, f"{text}.{text}.{text}", json.dumps(text)):
        try:
            parse_token(raw)
        except UnreadableAnswerError:
            continue
