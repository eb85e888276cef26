"""A way to the car that refuses one thing still carries the others, and hides no fuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from solar_charger.car.ha_entities import CarEntities, HaEntitiesLink
from solar_charger.car.link import Result
from solar_charger.car.link import ResultClass as R
from solar_charger.car.proxy_http import ProxyHttpLink
from solar_charger.command import Command, Kind
from solar_charger.commands import Action
from solar_charger.control.decision import ControllerState as S
from solar_charger.control.decision import Desired
from solar_charger.entities import commanded, device
from solar_charger.settings import Mode
from solar_charger.sources.home_assistant.rest import Core, CoreRest

from tests.solar_charger.executor_worker import Worker, driving
from tests.solar_charger.home import Home, at_home
from tests.solar_charger.household import Household, quiet_settings

VIN = "5YJ3E1EA7KF000001"
CORE = CoreRest(Core("token", "http://127.0.0.1:9"))


async def test_a_driver_that_cannot_pair_says_so_without_a_fault() -> None:
    by_entities = HaEntitiesLink(CORE, CarEntities("number.amps", "switch.charge"))
    assert (await ProxyHttpLink("http://127.0.0.1:9", VIN).pair()).result_class is R.NOT_OFFERED
    assert (await by_entities.pair()).result_class is R.NOT_OFFERED
    assert (await by_entities.set_limit(80)).result_class is R.NOT_OFFERED


@pytest.mark.parametrize("answer", [R.NOT_OFFERED, R.CONFIG, R.NOT_PAIRED, R.CAR_REFUSED])
@pytest.mark.parametrize("kind", [Kind.PAIR, Kind.PING])
def test_a_pairing_that_fails_costs_the_charge_nothing(kind: Kind, answer: R) -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.answers[kind] = Result(answer)
    worker.executor.ask(Command(kind, by_hand=True))
    sent = driving(worker.run(Desired(charge=True, amps=16, poll=False), 20))
    assert "set_amps 16" in sent
    assert worker.executor.facts(worker.now).fault == ""
    assert worker.executor.backoff.remaining(worker.now) == 0


def test_a_ping_that_reaches_nobody_counts_as_any_command_would() -> None:
    worker = Worker()
    worker.answers[Kind.PING] = Result(R.UNREACHABLE)
    worker.executor.ask(Command(Kind.PING, by_hand=True))
    worker.run(Desired(poll=False), 10)
    assert worker.executor.backoff.fails == 1
    assert worker.executor.backoff.remaining(worker.now) > 0


def test_a_ping_that_comes_through_ends_the_rest_of_a_refused_key() -> None:
    worker = Worker()
    worker.executor.backoff.take(R.NOT_PAIRED, worker.now, 0.5)
    worker.executor.ask(Command(Kind.PING, by_hand=True))
    worker.run(Desired(poll=False), 5)
    assert worker.executor.facts(worker.now).fault == ""


def test_a_limit_the_driver_does_not_offer_is_asked_for_once() -> None:
    worker = Worker()
    worker.answers[Kind.SET_LIMIT] = Result(R.NOT_OFFERED)
    sent = driving(worker.run(Desired(charge=True, amps=16, limit=80, poll=False), 300))
    assert [command for command in sent if command.startswith("set_limit")] == ["set_limit 80"]
    assert "start" in sent
    assert worker.executor.facts(worker.now).fault == ""


def faulty(**settings: object) -> Household:
    """A MANUAL charge at full current whose way to the car has just refused something."""
    house = Household(quiet_settings(**settings))
    house.free_w = -480
    house.run(10)
    house.read_car()
    house.switch(Mode.MANUAL)
    house.run(120, follow=True)
    house.link = replace(house.link, fault="config")
    assert house.run(10).state is S.FAULT
    return house


def test_a_fault_does_not_keep_the_fuse_from_lowering() -> None:
    house = faulty(main_fuse_amps=40)
    house.free_w = -480 - 2400
    decision = house.run(10)
    assert decision.state is S.FAULT
    assert decision.desired.amps == 24
    assert decision.desired.safety
    assert "uncontrolled_charge" in decision.alarms


def test_a_fault_does_not_keep_the_fuse_from_stopping() -> None:
    house = faulty(main_fuse_amps=25)
    house.free_w = -5000
    decision = house.run(10)
    assert decision.state is S.FAULT
    assert decision.desired.charge is False
    assert decision.desired.safety


def test_nothing_is_sent_in_a_fault_while_the_fuse_is_content() -> None:
    house = faulty(main_fuse_amps=40)
    decision = house.run(120)
    desired = decision.desired
    assert "uncontrolled_charge" not in decision.alarms
    assert (desired.charge, desired.amps, desired.limit) == (None, None, None)


def test_a_stop_wanted_before_the_fault_goes_on_being_wanted() -> None:
    house = faulty()
    house.controller.session.want_stop("night", house.now)
    assert house.run(10).desired.charge is False


@pytest.mark.parametrize("link", ["proxy_http", "ha_entities"])
async def test_pairing_is_refused_where_the_key_lies_elsewhere(tmp_path: Path, link: str) -> None:
    async with at_home(tmp_path, started=False) as home:
        set_link(home, link)
        answer = await home.ask(Action.PAIRING_REQUEST)
        assert answer.status == 409
        assert link in answer.message


@pytest.mark.parametrize("link", ["python_ble", "tesla_control", "relay", "simulated"])
async def test_pairing_is_offered_where_the_car_can_be_asked(tmp_path: Path, link: str) -> None:
    async with at_home(tmp_path, started=False) as home:
        set_link(home, link)
        assert (await home.ask(Action.PAIRING_REQUEST)).status == 202


def set_link(home: Home, link: str) -> None:
    pairing = home.service.pairing
    pairing._options = pairing._options.model_copy(update={"vehicle_link": link})


def test_home_assistant_is_offered_no_button_that_can_do_nothing() -> None:
    assert "pair" in device("0123abcd", "1").platforms
    assert "pair" not in device("0123abcd", "1", left_out=("pair",)).platforms
    assert "pair" not in [entity.key for entity in commanded(("pair",))]
