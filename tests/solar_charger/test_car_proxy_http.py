from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.car.link import ResultClass as R
from solar_charger.car.link import VehicleLink
from solar_charger.car.proxy_http import ProxyHttpLink, command_result
from solar_charger.car.results import Command
from solar_charger.http_client import Limits, Reply
from solar_charger.measurements import ChargingState, SleepStatus
from solar_charger.testing.house import Car
from solar_charger.testing.relay import FakeProxy
from solar_charger.testing.tesla_control import FakeTeslaControl

from tests.solar_charger.fakes import as_bytes, body_state, car_state, json_values, objects_with

QUICK = Limits(connect_s=2, read_s=0.5, total_s=2)


@pytest.fixture
def control() -> FakeTeslaControl:
    return FakeTeslaControl(Car())


@pytest.fixture
async def proxy(control: FakeTeslaControl) -> AsyncIterator[FakeProxy]:
    async with FakeProxy(control) as fake:
        yield fake


@pytest.fixture
def link(proxy: FakeProxy, control: FakeTeslaControl) -> ProxyHttpLink:
    return ProxyHttpLink(proxy.url + "/", control.car.vin)


def test_it_is_a_vehicle_link_that_wakes_by_itself(link: ProxyHttpLink) -> None:
    assert isinstance(link, VehicleLink)
    assert link.wakes_by_itself
    assert link.proves_home


async def test_a_charge_is_begun_changed_and_ended_on_a_sleeping_car(
    link: ProxyHttpLink, control: FakeTeslaControl
) -> None:
    control.car.asleep = True
    assert (await link.set_amps(24)).result_class is R.OK
    assert (await link.start()).result_class is R.OK
    assert control.car.amps == 24
    assert (await link.start()).result_class is R.OK_ALREADY
    assert (await link.set_limit(90)).ok
    assert control.car.limit == 90
    assert (await link.stop()).ok
    assert (await link.stop()).result_class is R.OK_ALREADY
    control.car.unplug()
    assert (await link.start()).result_class is R.NOT_PLUGGED


async def test_the_snake_case_state_is_read(link: ProxyHttpLink, control: FakeTeslaControl) -> None:
    result = await link.read_charge()
    assert result.ok
    assert car_state(result.data).battery_level == 65
    assert car_state(result.data).charging_state is ChargingState.STOPPED
    assert car_state(result.data).charging_amps == 16
    body = await link.read_body()
    assert (body_state(body.data).sleep, body_state(body.data).charge_port_open) == (
        SleepStatus.AWAKE,
        True,
    )
    assert (await link.ping()).ok


async def test_reading_does_not_wake_a_sleeping_car(
    link: ProxyHttpLink, control: FakeTeslaControl
) -> None:
    control.car.asleep = True
    assert (await link.read_charge()).result_class is R.ASLEEP
    assert control.car.asleep


async def test_troubles_of_the_car_keep_their_class(
    link: ProxyHttpLink, control: FakeTeslaControl
) -> None:
    control.trouble = "max_connections"
    assert (await link.stop()).result_class is R.MAX_CONN
    control.trouble = "not_paired"
    assert (await link.stop()).result_class is R.NOT_PAIRED


async def test_an_answer_before_anything_was_sent_is_not_success() -> None:
    body = {"response": {"result": True, "reason": "… will be processed shortly."}}
    assert (
        command_result(Command.STOP, Reply(200, as_bytes(body), {}), 1).result_class
        is R.UNKNOWN_RESULT
    )


async def test_a_proxy_that_is_away_failing_or_slow_is_told_apart(
    proxy: FakeProxy, control: FakeTeslaControl, link: ProxyHttpLink
) -> None:
    proxy.faults.status = 502
    assert (await link.stop()).result_class is R.RELAY_DOWN
    proxy.faults.status = 404
    assert (await link.stop()).result_class is R.CONFIG
    proxy.faults.status, proxy.faults.delay_s = None, 5
    slow = ProxyHttpLink(proxy.url, control.car.vin, limits=QUICK)
    assert (await slow.stop()).result_class is R.UNKNOWN_RESULT
    assert (await slow.read_charge()).result_class is R.RELAY_DOWN
    await proxy.stop()
    assert (await link.stop()).result_class is R.RELAY_DOWN


async def test_pairing_points_to_the_proxys_own_page(link: ProxyHttpLink) -> None:
    result = await link.pair()
    assert result.result_class is R.NOT_OFFERED
    assert "page" in result.text


@given(
    st.sampled_from(Command),
    st.integers(100, 599),
    st.binary()
    | json_values.map(as_bytes)
    | objects_with("result", "reason", "response").map(lambda inner: as_bytes({"response": inner})),
)
def test_any_answer_has_a_class(command: Command, status: int, body: bytes) -> None:
    assert command_result(command, Reply(status, body, {}), 1.0).result_class in R
