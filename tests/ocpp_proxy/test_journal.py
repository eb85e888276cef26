"""What people and observers get to see of the messages, and what they never see."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.feed import Feed
from ocpp_proxy.frames import scan
from ocpp_proxy.keychange import KeyChange
from ocpp_proxy.logs import TRACE
from ocpp_proxy.observers import ConnectionFacts
from ocpp_proxy.relay.events import Leg
from ocpp_proxy.server import ProxyServer
from ocpp_proxy.trail import Trail

from ocpp_proxy import masking
from tests.ocpp_proxy.conftest import StartProxy
from tests.ocpp_proxy.harness import Central, ask, charger, request, until

UP, DOWN = Leg.CHARGER, Leg.UPSTREAM


class Notes:
    """An observer that notes what it is told; `hold` keeps it busy."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def message(
        self, station: str, leg: Leg, data: bytes, text: bool, monotonic: float, wall: float,
        own: bool = False,
    ) -> None:  # fmt: skip
        self.told.append(("message", station, leg, data, text, own))

    def connected(self, station: str, facts: ConnectionFacts, monotonic: float) -> None:
        self.told.append(("connected", station, facts.peer, facts.subprotocol))

    def disconnected(self, station: str, monotonic: float) -> None:
        self.told.append(("disconnected", station))

    def upstream(self, station: str, up: bool) -> None:
        self.told.append(("upstream", station, up))

    def latency(self, station: str, leg: Leg, ms: float) -> None:
        self.told.append(("latency", station, leg))


async def test_an_observer_is_told_everything_in_order(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(central.port, pace={"ping_interval": 0.0})
    notes = Notes()
    proxy.journal.add(notes)
    central.reply = lambda message: '[3,"1",{}]'
    async with charger(proxy.port) as box:
        await box.send('[2,"1","Heartbeat",{}]')
        await box.recv()
    await until(lambda: ("disconnected", "CP1") in notes.told)
    assert notes.told == [
        ("connected", "CP1", "127.0.0.1", "ocpp1.6"),
        ("message", "CP1", Leg.CHARGER, b'[2,"1","Heartbeat",{}]', True, False),
        ("message", "CP1", Leg.UPSTREAM, b'[3,"1",{}]', True, False),
        ("upstream", "CP1", False),
        ("disconnected", "CP1"),
    ]


async def test_an_observer_hears_of_upstream_of_pings_and_of_our_own_messages(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(central.port, pace={"ping_interval": 0.05})
    notes = Notes()
    proxy.journal.add(notes)
    async with charger(proxy.port) as box:
        await until(lambda: ("latency", "CP1", Leg.CHARGER) in notes.told)
        await until(lambda: ("latency", "CP1", Leg.UPSTREAM) in notes.told)
        central.connections[0].transport.abort()
        await until(lambda: ("upstream", "CP1", False) in notes.told)
        await box.send('[2,"1","Heartbeat",{}]')
        await until(lambda: any(told[-1] is True and told[0] == "message" for told in notes.told))
        await until(lambda: ("upstream", "CP1", True) in notes.told)
    answered = next(told for told in notes.told if told[0] == "message" and told[-1] is True)
    assert answered[2] is Leg.UPSTREAM


async def test_a_busy_observer_loses_the_oldest_messages_and_no_event() -> None:
    notes = Notes()
    feed = Feed(notes, capacity=3)
    feed.offer(lambda: notes.told.append(("connected",)))
    for number in range(10):
        feed.offer_message(10, lambda number=number: notes.told.append((number,)))  # type: ignore[misc]
    feed.offer(lambda: notes.told.append(("disconnected",)))
    await until(lambda: ("disconnected",) in notes.told)
    assert notes.told == [("connected",), (7,), (8,), (9,), ("disconnected",)]
    assert feed.dropped == 7
    feed.close()


async def test_waiting_messages_are_limited_in_bytes_too() -> None:
    feed = Feed(Notes(), capacity=1000, most_bytes=100)
    for _ in range(10):
        feed.offer_message(60, lambda: None)
    assert feed.dropped == 9
    feed.close()


async def test_an_observer_that_fails_is_told_the_next_thing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    notes = Notes()
    feed = Feed(notes)
    feed.offer(lambda: [][0])
    feed.offer(lambda: notes.told.append(("next",)))
    await until(lambda: notes.told)
    assert "Notes failed" in caplog.text
    feed.close()


# Log lines.


@pytest.fixture
def trail(caplog: pytest.LogCaptureFixture) -> Trail:
    caplog.set_level(TRACE)
    return Trail("CP1")


def told(trail: Trail, source: Leg, data: bytes, now: float, *, own: bool = False) -> None:
    trail.follow(source, scan(data), data, now, own=own)


def test_each_message_is_one_line_with_the_round_trip_of_answers(
    trail: Trail, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told(trail, UP, b'[2,"7","Heartbeat",{}]', 1.0)
    told(trail, DOWN, b'[2,"7","TriggerMessage",{}]', 1.1)
    told(trail, DOWN, b'[3,"7",{}]', 1.25)
    told(trail, UP, b'[3,"7",{}]', 2.1, own=True)
    assert caplog.messages == [
        "CP1 → CALL Heartbeat 7 22 B",
        "CP1 ← CALL TriggerMessage 7 27 B",
        "CP1 ← CALLRESULT Heartbeat 7 10 B 250.0 ms",
        "CP1 → CALLRESULT TriggerMessage 7 10 B 1000.0 ms (proxy)",
    ]


def test_only_an_answer_takes_its_call(trail: Trail, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told(trail, UP, b'[2,"7","Heartbeat",{}]', 1.0)
    told(trail, DOWN, b'[5,"7",{}]', 1.1)
    told(trail, DOWN, b'[3,"7",{}]', 1.25)
    assert caplog.messages[-1] == "CP1 ← CALLRESULT Heartbeat 7 10 B 250.0 ms"


def test_a_payload_is_shown_at_trace_cut_and_masked(
    trail: Trail, caplog: pytest.LogCaptureFixture
) -> None:
    told(trail, UP, b'[2,"1","Authorize",{"idTag":"04A2B3C4D59F","x":"' + b"y" * 9000 + b'"}]', 0)
    assert '"idTag":"04A2…9F"' in caplog.text
    assert "04A2B3C4D59F" not in caplog.text
    assert max(map(len, caplog.messages)) < 2200


@pytest.mark.parametrize(
    ("source", "data", "said"),
    [
        (UP, b'[2,"1","BootNotification",{"chargePointVendor":"AcTec","chargePointModel":"X"}]',
         "CP1 boots: chargePointVendor AcTec, chargePointModel X"),
        (UP, (b'[2,"1","StatusNotification",{"connectorId":1,"status":"Charging",'
             b'"errorCode":"NoError"}]'), "CP1 connector 1: status Charging, errorCode NoError"),
        (UP, b'[2,"1","StartTransaction",{"connectorId":1,"idTag":"04A2B3C4D59F","meterStart":5}]',
         "CP1 starts a transaction: connectorId 1, meterStart 5, idTag 04A2…9F"),
        (UP, b'[2,"1","StopTransaction",{"transactionId":9,"meterStop":7,"reason":"Local"}]',
         "CP1 stops a transaction: transactionId 9, meterStop 7, reason Local"),
    ],
)  # fmt: skip
def test_what_matters_is_said_at_info(
    trail: Trail, caplog: pytest.LogCaptureFixture, source: Leg, data: bytes, said: str
) -> None:
    caplog.set_level(logging.INFO)
    told(trail, source, data, 0.0)
    told(trail, source, data.replace(b'"1"', b'"2"'), 1.0)
    expected = 1 if "connector 1:" in said else 2
    assert caplog.messages == [said] * expected


def test_refusals_and_slow_answers_are_said_at_info(
    trail: Trail, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    told(trail, DOWN, b'[2,"1","SetChargingProfile",{}]', 0.0)
    told(trail, UP, b'[3,"1",{"status":"Rejected"}]', 6.5)
    told(trail, UP, b'[2,"2","FirmwareStatusNotification",{}]', 7.0)
    told(trail, DOWN, b'[4,"2","NotSupported","no",{}]', 7.1)
    assert caplog.messages == [
        'CP1: charger answers SetChargingProfile with [3,"1",{"status":"Rejected"}]',
        "CP1: charger took 6.5 s to answer SetChargingProfile",
        ('CP1: upstream answers FirmwareStatusNotification with CALLERROR '
        '[4,"2","NotSupported","no",{}]'),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from([UP, DOWN]), st.binary(max_size=60) | st.sampled_from(
    [b'[2,"1","BootNotification",', b'[2,1,"StatusNotification",{"connectorId":[[]]}]',
     b'[3,"1"', b'[4,"1"]', b'[2,"\\ud800","A"]', b"[" * 50]))))  # fmt: skip
def test_no_message_breaks_the_trail(messages: list[tuple[Leg, bytes]]) -> None:
    trail = Trail("CP1")
    logger = logging.getLogger("app")
    level, logger.propagate = logger.level, False
    logger.setLevel(TRACE)
    try:
        for number, (source, data) in enumerate(messages):
            told(trail, source, data, float(number))
    finally:
        logger.setLevel(level)
        logger.propagate = True


# Masking.


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ('{"key":"AuthorizationKey","value":"00112233"}', "00112233"),
        ('{"value":"00112233","key":"AuthorizationKey"}', "00112233"),
        ('{"key" : "AuthorizationKey", "readonly":false , "value" : "0011\\"2233"}', "2233"),
        ('{"key":"AuthorizationKey","value":"00112233', "00112233"),
        ('{"password":"s3cret"}', "s3cret"),
        ("Authorization: Basic QUwxMDAwOg==", "QUwxMDAwOg"),
        ('{"location":"ftp://user:s3cret@host/x"}', "s3cret"),
        ('{"idTag":"04A2B3C4D59F"}', "B3C4D5"),
        ('{"parentIdTag" : "04A2B3C4D59F"}', "B3C4D5"),
        ('{"idTag":"1234"}', "1234"),
    ],
)
def test_secrets_and_tags_are_hidden(text: str, hidden: str) -> None:
    assert hidden not in masking.message(text)


def test_tags_are_shown_when_the_owner_wishes_so_and_secrets_never() -> None:
    text = '{"idTag":"04A2B3C4D59F","password":"s3cret"}'
    assert masking.message(text, id_tags=False) == '{"idTag":"04A2B3C4D59F","password":"…"}'


@given(st.text())
def test_masking_never_fails_and_masks_once(text: str) -> None:
    once = masking.message(text)
    assert masking.message(once) == once or "idTag" in text or "IDTAG" in text.upper()


# A key that upstream changes.


def test_a_key_counts_when_the_wallbox_accepted_it() -> None:
    change = KeyChange()
    ask_for = b'[2,"k","ChangeConfiguration",{"key":"AuthorizationKey","value":"0011"}]'
    assert change.follow(DOWN, ask_for) is None
    assert change.follow(UP, b'[3,"other",{"status":"Accepted"}]') is None
    assert change.follow(UP, b'[3,"k",{"status":"Accepted"}]') == "0011"
    assert change.follow(UP, b'[3,"k",{"status":"Accepted"}]') is None
    change.follow(DOWN, ask_for)
    assert change.follow(UP, b'[3,"k",{"status":"Rejected"}]') is None
    assert change.follow(DOWN, b'[2,"k","Other",{"key":"AuthorizationKey","value":"1"}]') is None
    assert change.follow(UP, b'[3,"k",{"status":"Accepted"}]') is None


async def test_a_changed_key_opens_the_door_and_the_owner_is_warned(
    start_proxy: StartProxy, central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = await start_proxy(central.port, stations=[{"id": "CP1", "password": "first"}])
    with_key: dict[str, Any] = {"additional_headers": {"Authorization": "Basic Q1AxOmZpcnN0"}}
    async with charger(proxy.port, **with_key) as box:
        await central.connections[0].send(
            '[2,"k","ChangeConfiguration",{"key":"AuthorizationKey","value":"second"}]'
        )
        await box.recv()
        await box.send('[3,"k",{"status":"Accepted"}]')
        await until(lambda: "new AuthorizationKey" in caplog.text)
    assert "second" not in caplog.text
    for header, status in (("Q1AxOnNlY29uZA==", 101), ("Q1AxOmZpcnN0", 101), ("Q1AxOng=", 401)):
        answer = await ask(proxy.port, request(more=(f"Authorization: Basic {header}",)))
        assert answer.status == status


async def test_behind_a_trusted_proxy_the_wallbox_itself_is_named(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(central.port, trusted_proxies=["127.0.0.1/32"])
    named = {"X-Forwarded-For": "203.0.113.1, 198.51.100.7"}
    async with charger(proxy.port, additional_headers=named):
        session = proxy.stations.sessions[0]
        assert (session.charger.peer, session.charger.client) == ("127.0.0.1", "198.51.100.7")
    assert central.requests[0][1]["X-Forwarded-For"] == "203.0.113.1, 198.51.100.7, 127.0.0.1"
    stranger = await start_proxy(central.port)
    async with charger(stranger.port, additional_headers=named):
        assert stranger.stations.sessions[0].charger.client == "127.0.0.1"


async def test_nobody_looking_means_nothing_is_looked_into(
    proxy: ProxyServer, central: Central
) -> None:
    logging.getLogger("app").setLevel(logging.WARNING)
    try:
        async with charger(proxy.port) as box:
            session = proxy.stations.sessions[0]
            await box.send('[2,"1","Heartbeat",{}]')
            await until(lambda: central.messages)
            assert not session.trail._pairing._of_charger
            await asyncio.sleep(0)
    finally:
        logging.getLogger("app").setLevel(logging.NOTSET)
