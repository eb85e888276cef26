from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.http_client import Limits
from solar_charger.json_values import UnreadableAnswerError
from solar_charger.sources.readings import SourceError
from solar_charger.sources.twc_gen2 import WallConnectorGen2, parse_slaves
from solar_charger.sources.twc_gen3 import WallConnectorGen3, load_answer, parse_vitals, repair
from solar_charger.testing.house import Car, House
from solar_charger.testing.wall_connector import FakeTwcManager, FakeWallConnector

from tests.solar_charger.fakes import Clock, as_bytes, json_values, known, objects_with

QUICK = Limits(connect_s=1, read_s=0.5, total_s=1)


@pytest.mark.parametrize("newer", [True, False])
async def test_a_charging_car_is_read_from_old_and_new_firmware(newer: bool) -> None:
    clock = Clock()
    house = House(car=Car(charging=True, request_amps=24))
    async with FakeWallConnector(house, newer=newer) as fake:
        twc = (await WallConnectorGen3(fake.host, clock=clock).poll()).twc
    assert known(twc).measured_at == clock.now
    assert known(twc).value.vehicle_connected is True
    assert known(twc).value.contactor_closed is True
    assert known(twc).value.vehicle_current_a == 24
    assert known(twc).value.grid_v == 240
    assert ("relay_k1_v" in known(twc).value.vitals) is newer


async def test_three_phases_are_told_one_by_one() -> None:
    house = House(wiring="three", car=Car(charging=True, request_amps=11, phases=3, volts=230))
    async with FakeWallConnector(house) as fake:
        twc = known((await WallConnectorGen3(fake.url).poll()).twc).value
    assert list(twc.current_a) == [11, 11, 11]
    assert list(twc.voltage_v) == [230, 230, 230]


async def test_an_unplugged_car_is_unplugged() -> None:
    async with FakeWallConnector(House(car=Car(plugged=False))) as fake:
        twc = known((await WallConnectorGen3(fake.host).poll()).twc).value
    assert (twc.vehicle_connected, twc.contactor_closed, twc.vehicle_current_a) == (False, False, 0)


async def test_bare_nan_and_a_missing_brace_are_mended_and_text_is_left_alone() -> None:
    async with FakeWallConnector(House()) as fake:
        fake.bare_nan = fake.missing_brace = True
        twc = known((await WallConnectorGen3(fake.host).poll()).twc).value
    assert twc.vehicle_connected is True
    assert twc.vitals["handle_temp_c"] is None
    assert twc.vitals["current_alerts"] == ["nan is a word here"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b'{"a": nan}', {"a": None}),
        (b'{"a": -1, "b": NaN, "c": [nan, nan]}', {"a": -1, "b": None, "c": [None, None]}),
        (b'{"nan": "a nan \\" nan"}', {"nan": 'a nan " nan'}),
        (b'{"a": "x"', {"a": "x"}),
        (b'{"banana": 1}', {"banana": 1}),
    ],
)
def test_quirks_are_mended_outside_of_strings_only(written: bytes, read: Any) -> None:
    assert load_answer(written) == read


def test_only_one_brace_is_added() -> None:
    with pytest.raises(UnreadableAnswerError):
        load_answer(b'{"a": {"b": 1')


def test_a_missing_current_is_unknown_and_not_zero() -> None:
    twc = parse_vitals(b'{"vehicle_connected":true,"contactor_closed":false}')
    assert twc.vehicle_current_a is None
    assert twc.current_a == (None, None, None)
    assert (
        parse_vitals(b'{"vehicle_connected":"yes","contactor_closed":1}').vehicle_connected is None
    )


async def test_a_silent_wall_connector_is_an_error_and_says_nothing_of_the_plug() -> None:
    async with FakeWallConnector(House()) as fake:
        source = WallConnectorGen3(fake.host, limits=QUICK)
        fake.faults.delay_s = 5
        with pytest.raises(SourceError):
            await source.poll()
        fake.faults.delay_s, fake.faults.drop = 0, True
        with pytest.raises(SourceError):
            await source.poll()
        fake.faults.drop, fake.faults.body = False, b"<html>"
        with pytest.raises(SourceError):
            await source.poll()
    with pytest.raises(SourceError):
        await source.poll()


async def test_a_gen_2_connector_is_read_through_twcmanager() -> None:
    clock = Clock()
    async with FakeTwcManager(House(car=Car(charging=True, request_amps=16))) as fake:
        fake.heartbeat_age_s = 4
        twc = (await WallConnectorGen2(fake.host, clock=clock).poll()).twc
    assert known(twc).measured_at == clock.now - 4
    assert known(twc).value.vehicle_connected is True
    assert known(twc).value.contactor_closed is True
    assert known(twc).value.vehicle_current_a == 16


async def test_a_gen_2_connector_that_left_the_bus_is_an_error() -> None:
    async with FakeTwcManager(House()) as fake:
        fake.heartbeat_age_s = 31
        with pytest.raises(SourceError, match="26A5"):
            await WallConnectorGen2(fake.host).poll()


def test_of_two_gen_2_connectors_the_one_with_the_car_is_taken() -> None:
    slaves = {
        "AAAA": {"lastHeartbeat": 1, "currentVIN": "", "state": 0, "reportedAmpsActual": 0},
        "BBBB": {"lastHeartbeat": 2, "currentVIN": "5YJ", "state": 1, "reportedAmpsActual": 12},
        "total": {"reportedAmpsActual": 12},
    }
    assert parse_slaves(as_bytes(slaves))[0].vehicle_current_a == 12
    assert parse_slaves(as_bytes(slaves), "AAAA")[0].vehicle_current_a == 0


VITALS = tuple(FakeWallConnector(House()).vitals())
SLAVE = ("lastHeartbeat", "currentVIN", "state", "reportedAmpsActual", "voltsPhaseA")


@given(st.binary() | json_values.map(as_bytes) | objects_with(*VITALS).map(as_bytes))
def test_any_vitals_are_read_or_refused(body: bytes) -> None:
    for data in (body, body[:-1], body.replace(b"NaN", b"nan")):
        try:
            twc = parse_vitals(data)
        except UnreadableAnswerError:
            continue
        assert twc.vehicle_current_a is None or 0 <= twc.vehicle_current_a <= 200


@given(
    st.dictionaries(st.text(max_size=4), objects_with(*SLAVE) | json_values, max_size=3).map(
        as_bytes
    )
    | st.binary()
)
def test_any_slaves_are_read_or_refused(body: bytes) -> None:
    try:
        parse_slaves(body)
    except UnreadableAnswerError:
        return


@given(st.text())
def test_repair_never_touches_a_string(text: str) -> None:
    quoted = as_bytes(text).decode()
    assert repair(quoted) == quoted
