"""The publisher at a real broker: what Home Assistant would see in every situation."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from ocpp_proxy.homeassistant import (
    Announced,
    BrokerOptions,
    Component,
    Device,
    Origin,
    Publisher,
    find,
)
from ocpp_proxy.homeassistant.broker import Broker, BrokerError

from tests.stand.broker import MOSQUITTO, TestBroker, running

STATUS = "app/status"
CONFIG = "homeassistant/device/app_1/config"
PATIENCE = 15.0

pytestmark = pytest.mark.skipif(
    not Path(MOSQUITTO).exists(), reason=f"Mosquitto is not installed ({MOSQUITTO})"
)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[TestBroker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    async with running(TestBroker(folder)) as running_broker:
        yield running_broker


def device(*keys: str) -> Device:
    components = [
        Component(
            key, "sensor", {"name": key, "unique_id": f"app_1_{key}", "state_topic": f"app/1/{key}"}
        )
        for key in keys
    ]
    info = {"identifiers": ["app_1"], "name": "One"}
    return Device("app_1", info, Origin("App", "1"), components)


def options(broker: TestBroker) -> BrokerOptions:
    return BrokerOptions(
        host="localhost" if broker.tls else broker.host,
        port=broker.port,
        username=broker.username,
        password=broker.password,
        tls=broker.tls,
        ca=str(broker.ca) if broker.tls else "",
    )


def publisher(broker: TestBroker, data: Path, **more: Any) -> Publisher:
    chosen = more.pop("options", options(broker))
    more.setdefault("interval", 0.05)
    more.setdefault("birth_delay", (0.0, 0.01))
    announced = Announced(data / "announced.json")
    return Publisher("app", lambda: find(chosen, None), announced, status_topic=STATUS, **more)


@contextlib.asynccontextmanager
async def at_work(subject: Publisher) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(subject.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        # What is waited for happens in the broker, which sets no event of ours.
        while not await check():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def online(broker: TestBroker) -> None:
    async def check() -> bool:
        return (await broker.retained(STATUS)).get(STATUS) == "online"

    await until(check)


async def next_message(client: aiomqtt.Client) -> tuple[str, str, bool]:
    async with asyncio.timeout(PATIENCE):
        message = await anext(client.messages)
    assert isinstance(message.payload, bytes)
    return message.topic.value, message.payload.decode(), message.retain


async def test_device_states_and_availability_arrive_retained_and_in_order(
    broker: TestBroker, tmp_path: Path
) -> None:
    subject = publisher(broker, tmp_path)
    subject.announce(device("power"))
    subject.publish("app/1/power", "1500")
    async with broker.client() as observer:
        await observer.subscribe("#", qos=1)
        async with at_work(subject):
            seen = [await next_message(observer) for _ in range(3)]
        seen.append(await next_message(observer))
    assert [topic for topic, _, _ in seen] == [CONFIG, "app/1/power", STATUS, STATUS]
    assert [payload for _, payload, _ in seen[1:]] == ["1500", "online", "offline"]
    assert json.loads(seen[0][1])["components"]["power"]["unique_id"] == "app_1_power"
    assert set(await broker.retained()) == {CONFIG, "app/1/power", STATUS}


async def test_a_second_run_says_online_last_too(broker: TestBroker, tmp_path: Path) -> None:
    async with broker.client() as observer:
        await observer.subscribe("#", qos=1)
        for power in ("1", "2"):
            subject = publisher(broker, tmp_path)
            subject.announce(device("power"))
            subject.publish("app/1/power", power)
            async with at_work(subject):
                seen = [await next_message(observer) for _ in range(3)]
            seen.append(await next_message(observer))
            assert [topic for topic, _, _ in seen] == [CONFIG, "app/1/power", STATUS, STATUS]


async def test_settled_means_that_the_broker_has_it(broker: TestBroker, tmp_path: Path) -> None:
    subject = publisher(broker, tmp_path)
    async with at_work(subject):
        for n in range(100):
            subject.publish(f"app/{n}", str(n))
        async with asyncio.timeout(PATIENCE):
            await subject.settled()
        assert len(await broker.retained("app/+")) >= 100


async def test_the_last_values_are_sent_before_the_program_ends(
    broker: TestBroker, tmp_path: Path
) -> None:
    subject = publisher(broker, tmp_path, interval=60.0)
    async with at_work(subject):
        subject.publish("app/1/power", "1")
        await online(broker)
        subject.publish("app/1/power", "2")
    assert await broker.retained() == {"app/1/power": "2", STATUS: "offline"}


async def test_a_killed_program_is_shown_offline_by_its_last_will(
    broker: TestBroker, tmp_path: Path
) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from ocpp_proxy.homeassistant import *\n"
        "options = BrokerOptions(host=sys.argv[1], port=int(sys.argv[2]), username=sys.argv[3],"
        " password=sys.argv[4])\n"
        "announced = Announced(pathlib.Path(sys.argv[5]))\n"
        "asyncio.run(Publisher('app', lambda: find(options, None), announced,"
        f" status_topic={STATUS!r}).run())\n"
    )
    arguments = [broker.host, str(broker.port), broker.username, broker.password]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, str(tmp_path / "announced.json")
    )
    await online(broker)
    process.kill()
    await process.wait()

    async def offline() -> bool:
        return await broker.retained() == {STATUS: "offline"}

    await until(offline)


async def test_home_assistants_start_brings_everything_again(
    broker: TestBroker, tmp_path: Path
) -> None:
    subject = publisher(broker, tmp_path)
    subject.announce(device("power"))
    subject.publish("app/1/power", "1500")
    async with at_work(subject), broker.client() as home_assistant:
        await online(broker)
        for topic in ("app/#", "homeassistant/device/#"):
            await home_assistant.subscribe(topic, qos=1)
        for _ in range(3):
            assert (await next_message(home_assistant))[2]
        await home_assistant.publish("homeassistant/status", "online", qos=0)
        again = [await next_message(home_assistant) for _ in range(3)]
    assert [topic for topic, _, _ in again] == [CONFIG, "app/1/power", STATUS]


async def test_a_broker_that_lost_its_store_gets_everything_again(
    broker: TestBroker, tmp_path: Path
) -> None:
    subject = publisher(broker, tmp_path)
    subject.announce(device("power"))
    subject.publish("app/1/power", "1500")
    async with at_work(subject):
        await online(broker)
        await broker.stop(kill=True)
        subject.publish("app/1/power", "2000")
        await broker.start()
        await online(broker)
        retained = await broker.retained()
    assert retained["app/1/power"] == "2000"
    assert CONFIG in retained


async def test_a_late_will_of_an_older_connection_does_not_stick(
    broker: TestBroker, tmp_path: Path
) -> None:
    async with at_work(publisher(broker, tmp_path)), broker.client() as other:
        await online(broker)
        await other.publish(STATUS, "offline", qos=1, retain=True)
        await online(broker)


async def test_a_stale_component_is_removed_by_name_before_it_is_left_out(
    broker: TestBroker, tmp_path: Path
) -> None:
    first = publisher(broker, tmp_path)
    first.announce(device("power", "old"))
    async with at_work(first):
        await online(broker)
    second = publisher(broker, tmp_path)
    second.announce(device("power"))
    async with broker.client() as observer:
        await observer.subscribe(CONFIG, qos=1)
        await next_message(observer)
        async with at_work(second):
            removal = json.loads((await next_message(observer))[1])
            rest = json.loads((await next_message(observer))[1])
    assert removal["components"]["old"] == {"platform": "sensor"}
    assert list(rest["components"]) == ["power"]


async def test_a_withdrawn_device_leaves_nothing_behind(broker: TestBroker, tmp_path: Path) -> None:
    subject = publisher(broker, tmp_path)
    subject.announce(device("power"))
    subject.publish("app/1/power", "1")
    async with at_work(subject):
        await online(broker)
        subject.withdraw("app_1")
        subject.publish("app/1/power", "")

        async def gone() -> bool:
            return set(await broker.retained()) == {STATUS}

        await until(gone)


async def test_another_discovery_prefix_takes_the_old_messages_back(
    broker: TestBroker, tmp_path: Path
) -> None:
    for prefix in ("homeassistant", "other"):
        subject = publisher(broker, tmp_path, discovery_prefix=prefix)
        subject.announce(device("power"))
        async with at_work(subject):
            await online(broker)
    assert set(await broker.retained()) == {"other/device/app_1/config", STATUS}


async def test_discovery_switched_off_takes_the_announcements_back(
    broker: TestBroker, tmp_path: Path
) -> None:
    for discovery in (True, False):
        subject = publisher(broker, tmp_path, discovery=discovery)
        subject.announce(device("power"))
        subject.publish("app/1/power", "1")
        async with at_work(subject):
            await online(broker)
    assert set(await broker.retained()) == {"app/1/power", STATUS}


async def test_commands_are_heard_but_retained_ones_are_not(
    broker: TestBroker, tmp_path: Path
) -> None:
    subject = publisher(broker, tmp_path)
    heard: asyncio.Queue[str] = asyncio.Queue()
    await subject.on_command("app/1/set", heard.put_nowait)
    async with broker.client() as home_assistant:
        await home_assistant.publish("app/1/set", "old", qos=1, retain=True)
        async with at_work(subject):
            await online(broker)
            await subject.on_command("app/1/later", heard.put_nowait)
            await home_assistant.publish("app/1/set", "new", qos=1)
            await home_assistant.publish("app/1/later", "later", qos=1)
            async with asyncio.timeout(PATIENCE):
                assert await heard.get() == "new"
                assert await heard.get() == "later"


async def test_a_hanging_broker_does_not_keep_the_program_from_ending(
    broker: TestBroker, tmp_path: Path
) -> None:
    subject = publisher(broker, tmp_path)
    async with at_work(subject) as task:
        await online(broker)
        broker.freeze()
        subject.publish("app/1/power", "1")
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=8.0)
        assert done
        broker.thaw()


async def test_a_stop_at_any_moment_is_heard(broker: TestBroker, tmp_path: Path) -> None:
    for moment in range(40):
        subject = publisher(broker, tmp_path)
        subject.announce(device("power"))
        subject.publish("app/1/power", str(moment))
        task = asyncio.create_task(subject.run())
        # Not to wait for something: the moments are spread over the connection's beginning.
        await asyncio.sleep(moment / 1000)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        assert done


async def test_tls_with_the_owners_authority(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    async with running(TestBroker(folder, tls=True)) as broker:
        async with at_work(publisher(broker, tmp_path)):
            await online(broker)
        assert await broker.retained() == {STATUS: "offline"}


async def test_an_untrusted_certificate_is_never_accepted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    async with running(TestBroker(folder, tls=True)) as broker:
        subject = publisher(broker, tmp_path, options=replace(options(broker), ca=""))
        async with at_work(subject):
            await said(caplog, "mqtt_ca")
        assert not subject.connected
        assert await broker.retained() == {}


async def test_a_wrong_password_is_said_once_with_the_options_to_look_at(
    broker: TestBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    subject = publisher(broker, tmp_path, options=replace(options(broker), password="wrong"))
    async with at_work(subject):
        await said(caplog, "mqtt_password")
    assert "wrong" not in caplog.text


async def test_a_broker_that_comes_later_is_found_and_its_absence_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = TestBroker(folder)
    tries = 0

    async def find_broker() -> Broker:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise BrokerError("no MQTT broker yet")
        return await find(options(broker), None)

    subject = Publisher("app", find_broker, Announced(tmp_path / "a.json"), status_topic=STATUS)
    async with running(broker), at_work(subject):
        await online(broker)
    assert caplog.text.count("no MQTT broker yet") == 1


async def test_without_any_broker_the_publisher_ends_and_nothing_else_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    subject = Publisher(
        "app",
        lambda: find(BrokerOptions(), None),
        Announced(tmp_path / "a.json"),
        status_topic=STATUS,
    )
    subject.publish("app/1/power", "1")
    async with asyncio.timeout(PATIENCE):
        await subject.run()
    assert caplog.text.count("set mqtt_host") == 1


async def said(caplog: pytest.LogCaptureFixture, text: str) -> None:
    async def check() -> bool:
        return text in caplog.text

    await until(check)
