from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from solar_charger.car.ha_entities import CarEntities, HaEntitiesLink
from solar_charger.car.link import ResultClass as R
from solar_charger.car.link import VehicleLink
from solar_charger.measurements import CarState, ChargingState
from solar_charger.sources.home_assistant.rest import Core, CoreRest
from solar_charger.testing.home_assistant import FakeHomeAssistant
from solar_charger.testing.house import Car

from tests.solar_charger.fakes import car_state

ENTITIES = CarEntities(
    "number.car_amps", "switch.car_charge", "button.car_wake", "number.car_limit"
)


@pytest.fixture
def car() -> Car:
    return Car()


@pytest.fixture
async def core(car: Car) -> AsyncIterator[FakeHomeAssistant]:
    def hear(word: str, argument: int | None = None) -> None:
        car.command(word, argument)

    fake = FakeHomeAssistant()
    fake.services = {
        "number.set_value": lambda entity, data: hear(
            "charging-set-amps" if entity == ENTITIES.amps else "charging-set-limit", data["value"]
        ),
        "switch.turn_on": lambda entity, data: hear("charging-start"),
        "switch.turn_off": lambda entity, data: hear("charging-stop"),
        "button.press": lambda entity, data: hear("wake"),
    }
    async with fake:
        await fake.set(ENTITIES.amps, 16, max=32, min=0)
        await fake.set(ENTITIES.charge, "off")
        await fake.set(ENTITIES.wake, "unknown")
        await fake.set(ENTITIES.limit, 80)
        yield fake


@pytest.fixture
def link(core: FakeHomeAssistant) -> HaEntitiesLink:
    return HaEntitiesLink(CoreRest(Core(core.token, core.core_url)), ENTITIES)


def test_it_is_a_vehicle_link_that_is_no_proof_of_home(link: HaEntitiesLink) -> None:
    assert isinstance(link, VehicleLink)
    assert not link.proves_home
    assert not link.wakes_by_itself


async def test_services_reach_the_car(link: HaEntitiesLink, car: Car) -> None:
    assert (await link.set_amps(24)).ok
    assert (await link.start()).ok
    assert (await link.set_limit(70)).ok
    assert (await link.wake()).ok
    assert (await link.stop()).ok
    assert car.heard == [
        "charging-set-amps 24", "charging-start", "charging-set-limit 70", "wake", "charging-stop",
    ]  # fmt: skip


async def test_the_state_comes_from_sensors_and_controls(
    core: FakeHomeAssistant, link: HaEntitiesLink
) -> None:
    await core.set(ENTITIES.charge, "on")
    state = (await link.read_charge()).data
    assert (
        car_state(state).charge_current_request,
        car_state(state).charge_current_request_max,
    ) == (16, 32)
    assert (car_state(state).charge_limit_soc, car_state(state).charging_state) == (
        80,
        ChargingState.CHARGING,
    )
    assert car_state(state).battery_level is None
    told = HaEntitiesLink(
        CoreRest(Core(core.token, core.core_url)),
        ENTITIES,
        lambda: CarState(ChargingState.COMPLETE, battery_level=0),
    )
    state = (await told.read_charge()).data
    assert (car_state(state).battery_level, car_state(state).charging_state) == (
        0,
        ChargingState.COMPLETE,
    )


async def test_unavailable_entities_are_a_car_out_of_reach_and_nothing_is_sent(
    core: FakeHomeAssistant, link: HaEntitiesLink, car: Car
) -> None:
    for entity_id in (ENTITIES.amps, ENTITIES.charge, ENTITIES.limit):
        await core.set(entity_id, "unavailable")
    assert (await link.start()).result_class is R.UNREACHABLE
    assert (await link.read_charge()).result_class is R.UNREACHABLE
    assert car.heard == []


async def test_a_wrong_entity_and_a_wrong_service_are_configuration(
    core: FakeHomeAssistant,
) -> None:
    rest = CoreRest(Core(core.token, core.core_url))
    assert (
        await HaEntitiesLink(rest, CarEntities("number.none", "")).set_amps(5)
    ).result_class is R.CONFIG
    assert (
        await HaEntitiesLink(rest, CarEntities("number.none", "")).start()
    ).result_class is R.CONFIG
    del core.services["switch.turn_on"]
    assert (await HaEntitiesLink(rest, ENTITIES).start()).result_class is R.CONFIG


def answering(status: int) -> Callable[[str, dict[str, Any]], None]:
    """A service during which the proxy in front of Home Assistant answers with `status`."""

    def service(_entity: str, _data: dict[str, Any]) -> None:
        raise ANSWERS[status]

    return service


ANSWERS: dict[int, web.HTTPException] = {
    500: web.HTTPInternalServerError(),
    502: web.HTTPBadGateway(),
    503: web.HTTPServiceUnavailable(),
    504: web.HTTPGatewayTimeout(),
}


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (500, R.UNKNOWN_RESULT),
        (502, R.UNKNOWN_RESULT),
        (503, R.RELAY_DOWN),
        (504, R.UNKNOWN_RESULT),
    ],
)
async def test_a_call_whose_answer_is_lost_is_told_from_one_that_never_went_out(
    core: FakeHomeAssistant, link: HaEntitiesLink, status: int, found: R
) -> None:
    core.services["switch.turn_off"] = answering(status)
    assert (await link.stop()).result_class is found


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_nothing_is_in_doubt_where_not_even_the_state_could_be_asked_for(
    core: FakeHomeAssistant, link: HaEntitiesLink, car: Car, status: int
) -> None:
    core.faults.status = status
    assert (await link.stop()).result_class is R.RELAY_DOWN
    assert (await link.read_charge()).result_class is R.RELAY_DOWN
    assert car.heard == []
