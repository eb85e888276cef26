from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.car.link import ResultClass as R
from solar_charger.car.link import VehicleLink
from solar_charger.car.relay import RelayLink, read_answer
from solar_charger.car.results import Command
from solar_charger.http_client import Limits, Reply
from solar_charger.measurements import CarState, SleepStatus
from solar_charger.testing.house import Car
from solar_charger.testing.relay import FakeRelay
from solar_charger.testing.tesla_control import FakeTeslaControl

from tests.solar_charger.fakes import as_bytes, body_state, json_values, objects_with

QUICK = Limits(connect_s=2, read_s=1, total_s=2)


@pytest.fixture
def control() -> FakeTeslaControl:
    return FakeTeslaControl(Car())


@pytest.fixture
async def relay(control: FakeTeslaControl) -> AsyncIterator[FakeRelay]:
    async with FakeRelay(control) as fake:
        yield fake


def test_it_is_a_vehicle_link() -> None:
    assert isinstance(RelayLink("http://relay:5003"), VehicleLink)


async def test_commands_reach_the_car_with_their_domain(
    relay: FakeRelay, control: FakeTeslaControl
) -> None:
    link = RelayLink(relay.url + "/")
    assert (await link.set_amps(24)).ok
    assert (await link.start()).ok
    assert (await link.start()).result_class is R.OK_ALREADY
    assert control.car.amps == 24
    assert control.calls[0][-4:] == ["-domain", "infotainment", "charging-set-amps", "24"]
    body = await link.read_body()
    assert body_state(body.data).sleep is SleepStatus.AWAKE
    assert control.calls[-1][-3:] == ["-domain", "vcsec", "body-controller-state"]
    charge = await link.read_charge()
    assert isinstance(charge.data, CarState)
    assert charge.data.battery_level == 65


async def test_a_sleeping_car_is_told_and_woken(
    relay: FakeRelay, control: FakeTeslaControl
) -> None:
    link = RelayLink(relay.url)
    control.car.asleep = True
    assert (await link.start()).result_class is R.ASLEEP
    assert (await link.wake()).ok
    assert (await link.start()).ok


async def test_a_key_is_sent_and_a_wrong_one_is_configuration(control: FakeTeslaControl) -> None:
    async with FakeRelay(control, api_key="secret") as relay:
        assert (await RelayLink(relay.url, "secret").ping()).ok
        refused = await RelayLink(relay.url, "wrong").ping()
        assert refused.result_class is R.CONFIG
        assert "Unauthorized" in refused.text


async def test_a_relay_that_is_away_is_told_from_a_car_that_is(
    relay: FakeRelay, control: FakeTeslaControl
) -> None:
    link = RelayLink(relay.url)
    await relay.stop()
    assert (await link.stop()).result_class is R.RELAY_DOWN
    await relay.start()
    assert (await link.stop()).result_class is R.OK_ALREADY


@pytest.mark.parametrize("status", [500, 502, 404])
async def test_a_failing_relay_is_down(relay: FakeRelay, status: int) -> None:
    relay.faults.status = status
    assert (await RelayLink(relay.url).stop()).result_class is R.RELAY_DOWN


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"ok":true}', b'{"success":"yes"}'])
async def test_an_answer_of_something_else_is_relay_down(relay: FakeRelay, body: bytes) -> None:
    relay.faults.body = body
    assert (await RelayLink(relay.url).stop()).result_class is R.RELAY_DOWN


async def test_an_answer_that_does_not_come_leaves_the_result_unknown(relay: FakeRelay) -> None:
    relay.faults.delay_s = 30
    result = await RelayLink(relay.url, limits=QUICK).stop()
    assert result.result_class is R.UNKNOWN_RESULT
    assert "may have taken" in result.text


async def test_an_answer_that_is_cut_off_leaves_the_result_unknown(relay: FakeRelay) -> None:
    relay.faults.drop = True
    assert (await RelayLink(relay.url).stop()).result_class is R.UNKNOWN_RESULT


async def test_an_answer_that_drips_does_not_hold_us_for_ever(relay: FakeRelay) -> None:
    relay.faults.drip_s = 0.3
    assert (await RelayLink(relay.url, limits=QUICK).stop()).result_class is R.UNKNOWN_RESULT


async def test_a_time_out_at_the_relay_leaves_the_result_unknown(
    relay: FakeRelay, control: FakeTeslaControl
) -> None:
    relay.timed_out = True
    result = await RelayLink(relay.url).start()
    assert result.result_class is R.UNKNOWN_RESULT
    assert control.car.charging


def answer(**fields: object) -> Reply:
    return Reply(200, as_bytes(fields), {})


def test_the_words_of_the_relay_go_through_the_table_for_this_command() -> None:
    refusal = "Failed to execute command: car could not execute command: not_charging"
    failed = answer(success=False, output=refusal, error=refusal, duration=1.5)
    assert read_answer(Command.STOP, failed, 9).result_class is R.OK_ALREADY
    assert read_answer(Command.SET_LIMIT, failed, 9).result_class is R.CAR_REFUSED
    assert read_answer(Command.STOP, failed, 9).duration_s == 1.5


def test_success_is_believed_whatever_the_output_says() -> None:
    found = read_answer(Command.STOP, answer(success=True, output="is_charging", error=None), 1)
    assert found.result_class is R.OK


@given(
    st.sampled_from(Command),
    st.integers(100, 599),
    st.binary()
    | objects_with("success", "output", "error", "duration").map(as_bytes)
    | json_values.map(as_bytes),
)
def test_any_answer_has_a_class(command: Command, status: int, body: bytes) -> None:
    found = read_answer(command, Reply(status, body, {}), 1.0)
    assert found.result_class in R
    assert found.duration_s >= 0
    if found.result_class in (R.OK, R.OK_ALREADY):
        assert 200 <= status < 300
        assert "success" in json.loads(body)
