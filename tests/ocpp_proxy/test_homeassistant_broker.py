"""Which broker is taken, and what is said when there is none."""

from __future__ import annotations

import random
from pathlib import Path

import aiomqtt
import pytest
from ocpp_proxy.homeassistant import BrokerError, BrokerOptions, find
from ocpp_proxy.homeassistant.broker import Backoff, NoBrokerError, explain
from ocpp_proxy.supervisor import (
    MqttService,
    ServiceNotRegisteredError,
    Supervisor,
    SupervisorError,
)

from tests.stand.broker import make_certificates


class Answering(Supervisor):
    """A Supervisor that has its answer ready."""

    def __init__(self, answer: MqttService | Exception) -> None:
        super().__init__("token")
        object.__setattr__(self, "_answer", answer)

    __slots__ = ("_answer",)

    async def mqtt_service(self) -> MqttService:
        answer = self._answer  # type: ignore[attr-defined]
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, MqttService)
        return answer


MOSQUITTO = MqttService("core-mosquitto", 1883, "addons", "geheim")


async def test_the_owners_broker_wins_over_the_supervisors() -> None:
    options = BrokerOptions(host="nas.lan", username="me", password="pw")
    broker = await find(options, Answering(MOSQUITTO))
    assert (broker.host, broker.port, broker.username, broker.tls) == ("nas.lan", 1883, "me", None)


async def test_the_supervisors_broker_is_taken_without_options() -> None:
    broker = await find(BrokerOptions(), Answering(MOSQUITTO))
    assert (broker.host, broker.port, broker.password) == ("core-mosquitto", 1883, "geheim")
    assert "geheim" not in repr(broker)


async def test_tls_changes_the_default_port_and_verifies() -> None:
    broker = await find(BrokerOptions(host="nas.lan", tls=True), None)
    assert broker.port == 8883
    assert broker.tls is not None
    assert broker.tls.check_hostname
    assert (await find(BrokerOptions(host="nas.lan", tls=True, port=1), None)).port == 1


async def test_a_bare_name_means_a_file_of_the_ssl_folder(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    for ca in ("ca.pem", str(tmp_path / "ca.pem")):
        broker = await find(BrokerOptions(host="h", tls=True, ca=ca), None, tmp_path)
        assert broker.tls is not None
        assert len(broker.tls.get_ca_certs()) == 1


@pytest.mark.parametrize("name", ["missing.pem", "key.pem"])
async def test_an_unusable_authority_is_named(tmp_path: Path, name: str) -> None:
    make_certificates(tmp_path)
    with pytest.raises(BrokerError, match=f"mqtt_ca: .*{name}"):
        await find(BrokerOptions(host="h", tls=True, ca=name), None, tmp_path)


async def test_without_supervisor_and_host_it_is_final() -> None:
    with pytest.raises(NoBrokerError, match="set mqtt_host"):
        await find(BrokerOptions(), None)


@pytest.mark.parametrize("error", [ServiceNotRegisteredError("x"), SupervisorError("x")])
async def test_a_broker_that_may_still_come_is_worth_waiting_for(error: Exception) -> None:
    with pytest.raises(BrokerError) as caught:
        await find(BrokerOptions(), Answering(error))
    assert not isinstance(caught.value, NoBrokerError)


async def test_a_host_name_that_cannot_be_one_is_refused_with_its_option() -> None:
    with pytest.raises(BrokerError, match="mqtt_host"):
        await find(BrokerOptions(host="a" * 70 + ".lan"), None)


def test_options_that_do_nothing_are_known() -> None:
    assert BrokerOptions(port=1, username="u", tls=True).without_effect() == [
        "mqtt_port",
        "mqtt_username",
        "mqtt_tls",
    ]
    assert BrokerOptions(host="h", port=1).without_effect() == []


def test_waiting_times_double_up_to_a_minute_and_begin_anew() -> None:
    backoff = Backoff(random.Random(1))
    waits = [backoff.next() for _ in range(10)]
    for wait, middle in zip(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60], strict=True):
        assert middle * 0.8 <= wait <= min(middle * 1.2, 60)
    backoff.reset()
    assert backoff.next() <= 1.2


def test_troubles_are_explained_with_the_option_to_look_at() -> None:
    refused = aiomqtt.MqttCodeError(135)
    assert "mqtt_password" in explain(refused)
    assert "mqtt_ca" in explain(aiomqtt.MqttError("[SSL: CERTIFICATE_VERIFY_FAILED] x"))
    assert explain(aiomqtt.MqttError("")) == "MqttError"
