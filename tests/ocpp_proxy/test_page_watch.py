"""What the page's observer keeps, and what refusals are remembered: bounded, decoded on demand."""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp_proxy.observers import ConnectionFacts
from ocpp_proxy.page.advice import ADVICE
from ocpp_proxy.page.states import States
from ocpp_proxy.page.watch import MOST, Watch
from ocpp_proxy.refusals import Refusals
from ocpp_proxy.relay.events import Leg

WALL = 1_795_262_400.0


def call(number: str, action: str, **payload: Any) -> str:
    return json.dumps([2, number, action, payload])


def test_every_refusal_the_handshake_knows_has_a_sentence_of_its_own() -> None:
    assert len(set(ADVICE.values())) == len(ADVICE)
    for sentence in ADVICE.values():
        assert sentence.endswith(".")
        assert "\n" not in sentence


def test_refusals_are_bounded_and_hold_no_secrets() -> None:
    refusals = Refusals(lambda: WALL)
    for number in range(200):
        refusals.note("loop", f"192.0.2.{number}", "x" * 5000 + "\x1b", asked="\r\n" * 500)
    refusals.note("upstream redirects", "a", "to ws://me:secret@host/")
    assert len(refusals) == 50
    assert "secret" not in next(iter(refusals)).reason
    assert all(len(each.reason) < 300 and "\r" not in each.asked for each in refusals)


@given(st.lists(st.tuples(st.sampled_from(list(Leg)), st.binary(max_size=80), st.booleans())))
@settings(max_examples=300)  # the readers beneath are tested alone with the full number
def test_no_message_whatever_it_holds_makes_the_watch_fail(
    said: list[tuple[Leg, bytes, bool]],
) -> None:
    watch = Watch()
    for leg, data, own in said:
        watch.message("CP1", leg, data, True, 0.0, WALL, own)
    watch.stations(0.0)
    for message in watch.all():
        json.loads(message.line())


def test_the_ring_holds_500_messages_of_two_kilobytes() -> None:
    watch = Watch()
    for _ in range(MOST + 100):
        watch.message("CP1", Leg.CHARGER, os.urandom(100_000), True, 0.0, WALL)
    kept = watch.all()
    assert len(kept) == MOST
    assert all(len(each.payload) < 2100 for each in kept)


def test_nothing_is_decoded_of_meter_values_until_somebody_looks() -> None:
    states = States()
    states.connected("CP1", ConnectionFacts("192.0.2.1"))
    for power in ("100", "200", "300"):
        sample = {"measurand": "Power.Active.Import", "value": power}
        data = call("1", "MeterValues", connectorId=1, meterValue=[{"sampledValue": [sample]}])
        states.message("CALL", "MeterValues", "CP1", Leg.CHARGER, data.encode(), 0.0, WALL, False)
    follower = states._followed["CP1"].follower
    assert follower.station.connectors == {}
    assert states.stations(1.0)["CP1"].connectors[1].values["power"] == 300


def test_meter_values_a_rule_rewrote_count_as_rewritten() -> None:
    states = States()
    for power, own in (("100", False), ("900", True)):
        sample = {"measurand": "Power.Active.Import", "value": power}
        data = call("1", "MeterValues", connectorId=1, meterValue=[{"sampledValue": [sample]}])
        states.message("CALL", "MeterValues", "CP1", Leg.CHARGER, data.encode(), 0.0, WALL, own)
    assert states.stations(1.0)["CP1"].connectors[1].values["power"] == 900
