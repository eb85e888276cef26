"""Rules that mend what the charger writes: outside, times, texts, samples, tags."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.relay import Leg, Send
from ocpp_proxy.rules.drop_invalid_samples import mended
from ocpp_proxy.rules.fix_timestamps import fixed
from ocpp_proxy.rules.repairs import mended_json, reencoded
from ocpp_proxy.testing.central_answers import check_call

from tests.ocpp_proxy.relaying import NOON, call, result
from tests.ocpp_proxy.ruling import RuledBench, fewer

NOW = "2026-11-01T12:00:00.000Z"


def metered(*samples: Any, **more: Any) -> bytes:
    element = {"timestamp": NOW, "sampledValue": list(samples)}
    return call("m", "MeterValues", {"connectorId": 1, "meterValue": [element], **more})


def samples_of(message: Any) -> Any:
    return message[3]["meterValue"][0]["sampledValue"]


# Outside


def test_a_binary_message_goes_on_as_text_if_it_is_ocpp() -> None:
    bench = RuledBench("binary_to_text")
    heartbeat = b'[2, "h","Heartbeat",{ }]'
    bench.charger(heartbeat, text=False)
    bench.charger(b"\x00\x01", text=False)
    assert bench.frames == [Send(Leg.UPSTREAM, heartbeat, True), Send(Leg.UPSTREAM, b"\0\1", False)]


def test_latin_1_becomes_utf_8_and_utf_8_stays() -> None:
    bench = RuledBench("fix_encoding")
    text = '[2,"b","BootNotification",{"chargePointVendor":"Säule €"}]'
    bench.charger(text.encode("cp1252"))
    bench.charger(text.encode())
    assert bench.to_upstream == [text.encode(), text.encode()]
    assert bench.logged().count("encoding corrected") == 1


@pytest.mark.parametrize(
    ("broken", "mended_text"),
    [
        (b'[2,"1","Heartbeat",{}]\0', b'[2,"1","Heartbeat",{}]'),
        (b'[2,"1","A",{"m":"X\0Y"}]', b'[2,"1","A",{"m":"XY"}]'),
        (b'[2,"1","A",{"s":[,{"v":1.0}]}]', b'[2,"1","A",{"s":[{"v":1.0}]}]'),
        (b'[3,"1",{"configurationKey":[]', b'[3,"1",{"configurationKey":[]}]'),
        (b'[2,"1","A",{"t":"a\nb"}]', b'[2,"1","A",{"t":"a\\nb"}]'),
    ],
)
def test_broken_json_is_mended(broken: bytes, mended_text: bytes) -> None:
    bench = RuledBench("repair_json")
    bench.charger(broken)
    assert bench.to_upstream == [mended_text]


def test_good_json_and_what_is_beyond_repair_passes_byte_for_byte() -> None:
    bench = RuledBench("repair_json; fix_encoding; binary_to_text")
    for data in (b'[2, "1","A" , {"a":1.50,"a":2}]', b"hello", b"", b"{]"):
        bench.charger(data)
    assert bench.to_upstream == [b'[2, "1","A" , {"a":1.50,"a":2}]', b"hello", b"", b"{]"]


@fewer
@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_are_too_broken_for_the_repairs(data: bytes) -> None:
    reencoded(data).decode("utf-8")
    repaired = mended_json(data)
    assert repaired is None or isinstance(json.loads(repaired), list)


# Times


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("2026-11-01T11:59:00Z", None),
        ("2026-11-01T11:59:00.123+01:00", None),
        ("2026-11-01T11:59:00", "2026-11-01T10:59:00.000Z"),
        ("2026-11-01 11:59:00.5", "2026-11-01T10:59:00.500Z"),
        ("2026-11-01 11:59:00Z", "2026-11-01T11:59:00.000Z"),
        ("", NOW),
        ("0", NOW),
        (None, NOW),
        (0, NOW),
        ("0000-00-00T00:00:00.000Z", NOW),
        ("1970-01-01T00:00:07Z", NOW),
        ("yesterday", NOW),
        ("9999-12-31T23:59:59", "9999-12-31T22:59:59.000Z"),
    ],
)
def test_a_time_is_mended_only_if_it_has_to_be(written: object, right: str | None) -> None:
    assert fixed(written, timezone(timedelta(hours=1)), NOON) == right


def test_a_clock_that_was_never_set_is_not_told_to_anybody() -> None:
    assert fixed("", UTC, datetime(1970, 1, 1, tzinfo=UTC)) is None


def test_times_are_mended_in_every_message_that_has_one() -> None:
    bench = RuledBench("fix_timestamps Europe/Berlin")
    start = {"connectorId": 1, "idTag": "A", "meterStart": 1234, "timestamp": ""}
    assert bench.up(call("1", "StartTransaction", start))[3] == {**start, "timestamp": NOW}
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    assert bench.up(call("2", "StatusNotification", status))[3] == status
    summer = {**status, "timestamp": "2026-07-01T12:00:00"}
    assert bench.up(call("3", "StatusNotification", summer))[3]["timestamp"] == (
        "2026-07-01T10:00:00.000Z"
    )
    values = {"connectorId": 1, "meterValue": [{"sampledValue": [{"value": "1"}]}]}
    assert bench.up(call("4", "MeterValues", values))[3]["meterValue"][0]["timestamp"] == NOW
    bench.down(call("u", "GetCompositeSchedule", {"connectorId": 1, "duration": 60}))
    answer = bench.up(result("u", {"status": "Accepted", "scheduleStart": "0"}))
    assert answer[2]["scheduleStart"] == NOW


@fewer
@given(st.text() | st.datetimes().map(str) | st.integers() | st.none())
def test_every_time_is_one_in_the_end(raw: object) -> None:
    text = fixed(raw, UTC, NOON)
    assert datetime.fromisoformat(text if text is not None else str(raw)).tzinfo is not None


# Texts and tags


def test_texts_are_cut_to_what_ocpp_has_room_for() -> None:
    bench = RuledBench("truncate_strings")
    boot = {
        "chargePointVendor": "V" * 21,
        "chargePointModel": "é" * 20,
        "firmwareVersion": "1" * 60,
    }
    cut = bench.up(call("b", "BootNotification", boot))[3]
    assert [len(value) for value in cut.values()] == [20, 20, 50]
    assert "chargePointVendor, firmwareVersion cut" in bench.logged()
    bench.down(call("u", "GetConfiguration"))
    answer = {"configurationKey": [{"key": "K", "readonly": True, "value": "v" * 501}]}
    assert len(bench.up(result("u", answer))[2]["configurationKey"][0]["value"]) == 500


def test_a_tag_is_replaced_both_ways_wherever_it_is() -> None:
    bench = RuledBench('map_id_tag "long default tag of a wallbox" evcc')
    tag = {"idTag": "LONG default tag of a wallbox"}
    assert bench.up(call("1", "Authorize", tag))[3] == {"idTag": "evcc"}
    answer = {"idTagInfo": {"status": "Accepted", "parentIdTag": "evcc"}}
    assert bench.down(result("1", answer))[2]["idTagInfo"]["parentIdTag"] == (
        "long default tag of a wallbox"
    )
    start = {"connectorId": 1, "meterStart": 5, "timestamp": NOW, **tag}
    assert bench.up(call("2", "StartTransaction", start))[3] == {**start, "idTag": "evcc"}
    remote = bench.down(call("3", "RemoteStartTransaction", {"idTag": "EVCC"}))
    assert remote[3] == {"idTag": "long default tag of a wallbox"}
    stop = {"transactionId": 7, "meterStop": 9, "timestamp": NOW, "idTag": "other"}
    assert bench.up(call("4", "StopTransaction", stop))[3] == stop
    assert "wallbox" not in bench.logged()


# Samples


def test_samples_that_make_no_sense_are_mended_or_dropped() -> None:
    bench = RuledBench("drop_invalid_samples")
    message = bench.up(
        metered(
            {"value": "", "measurand": "SoC"},
            {"value": 230.10, "measurand": "voltage", "unit": "V"},
            {"value": "16,5", "measurand": "Current.Import", "context": "Periodic"},
            {"value": "5", "measurand": "Power.Aktive", "unit": "W"},
            {"value": "50.0", "measurand": "Frequency", "unit": "Hz", "location": "outlet"},
            {"value": "AB12", "format": "SignedData"},
            "junk",
        )
    )
    assert samples_of(message) == [
        {"value": "230.1", "measurand": "Voltage", "unit": "V"},
        {"value": "16.5", "measurand": "Current.Import"},
        {"value": "50.0", "measurand": "Frequency", "unit": "Hertz", "location": "Outlet"},
        {"value": "AB12", "format": "SignedData"},
    ]
    check_call("m", "MeterValues", message[3], frozenset({"MeterValues"}))


def test_meter_values_without_any_valid_sample_are_not_passed_on() -> None:
    bench = RuledBench("drop_invalid_samples")
    bench.charger(metered({"value": ""}))
    assert bench.take_charger() == [[3, "m", {}]]
    assert bench.take_upstream() == []


def test_a_transaction_is_stopped_whatever_its_samples_are() -> None:
    bench = RuledBench("drop_invalid_samples; scale Energy.Active.Import.Register 1000")
    element = {"timestamp": NOW, "sampledValue": [{"value": ""}]}
    stop = {"transactionId": 3, "meterStop": 77, "timestamp": NOW, "transactionData": [element]}
    del (rest := dict(stop))["transactionData"]
    assert bench.up(call("s", "StopTransaction", stop))[3] == rest


def test_valid_samples_pass_byte_for_byte() -> None:
    bench = RuledBench("drop_invalid_samples")
    element = b'{"sampledValue":[ {"value":"1.00"}]}'
    data = b'[2,"m","MeterValues",{"connectorId":1,"meterValue":[' + element + b"]}]"
    bench.charger(data)
    assert bench.to_upstream == [data]


@fewer
@given(
    st.recursive(
        st.none() | st.text() | st.floats() | st.integers(),
        lambda inner: st.dictionaries(
            st.sampled_from(["value", "unit", "measurand", "context", "format"]), inner
        ),
    )
)
def test_no_sample_is_too_odd_to_be_judged(sample: Any) -> None:
    if mended(sample):
        assert isinstance(sample["value"], str)


def test_a_total_is_added_from_the_power_of_the_phases() -> None:
    bench = RuledBench("add_total_power")
    phases = [
        {"value": "100.5", "measurand": "Power.Active.Import", "phase": f"L{n}", "unit": "W",
         "context": "Trigger"} for n in (1, 2, 3)
    ]  # fmt: skip
    assert samples_of(bench.up(metered(*phases)))[3:] == [
        {"value": "301.5", "measurand": "Power.Active.Import", "unit": "W", "context": "Trigger"}
    ]


def test_a_total_is_added_from_volts_and_amperes() -> None:
    bench = RuledBench("add_total_power")
    currents = [{"value": "10", "measurand": "Current.Import", "phase": f"L{n}"} for n in (1, 2, 3)]
    volts = [{"value": v, "measurand": "Voltage", "phase": f"L{n}-N"}
             for n, v in ((1, "230"), (2, "231"))]  # fmt: skip
    assert samples_of(bench.up(metered(*currents, *volts)))[-1]["value"] == "6910"


@pytest.mark.parametrize(
    "samples",
    [
        [{"value": "3", "measurand": "Power.Active.Import", "unit": "kW"}],
        [{"value": "10", "measurand": "Current.Import", "phase": "L1"}],
        [{"value": "10", "measurand": "Current.Import"}, {"value": "230", "measurand": "Voltage"}],
        [{"value": "10"}],
    ],
)
def test_no_total_is_added_to_one_or_from_too_little(samples: list[Any]) -> None:
    bench = RuledBench("add_total_power")
    data = metered(*samples)
    bench.charger(data)
    assert bench.to_upstream == [data]


def test_values_are_scaled_exactly_and_units_added() -> None:
    bench = RuledBench(
        "scale Voltage 0.1; default_unit Voltage V; scale Energy.Active.Import.Register 1000"
    )
    message = bench.up(
        metered(
            {"value": "2301", "measurand": "Voltage"},
            {"value": 0.1, "measurand": "Voltage", "unit": "kV"},
            {"value": "12.345"},
            {"value": "x", "measurand": "Voltage", "unit": "V"},
            transactionId=5,
        )
    )
    assert samples_of(message) == [
        {"value": "230.1", "measurand": "Voltage", "unit": "V"},
        {"value": "0.01", "measurand": "Voltage", "unit": "kV"},
        {"value": "12345"},
        {"value": "x", "measurand": "Voltage", "unit": "V"},
    ]
    assert message[3]["transactionId"] == 5


def test_scaling_leaves_the_amounts_of_a_transaction_alone() -> None:
    bench = RuledBench("scale Energy.Active.Import.Register 1000; default_unit SoC Percent")
    start = {"connectorId": 1, "idTag": "A", "meterStart": 12, "timestamp": NOW}
    assert bench.up(call("1", "StartTransaction", start))[3] == start
    element = {"timestamp": NOW, "sampledValue": [{"value": "12"}]}
    stop = {"transactionId": 0, "meterStop": 12, "timestamp": NOW, "transactionData": [element]}
    message = bench.up(call("2", "StopTransaction", stop))[3]
    assert (message["transactionId"], message["meterStop"]) == (0, 12)
    assert message["transactionData"][0]["sampledValue"] == [{"value": "12000"}]


def test_several_rules_mend_one_message_together_and_keep_a_number_as_id() -> None:
    bench = RuledBench("repair_json; fix_timestamps; drop_invalid_samples; add_total_power")
    bench.charger(
        b'[2,17,"MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"","sampledValue":[,'
        b'{"value":"5","measurand":"Power.Active.Import","phase":"L1"},{"value":""}]}]}]\0'
    )
    [message] = bench.take_upstream()
    assert message[:3] == [2, 17, "MeterValues"]
    assert message[3]["meterValue"][0]["timestamp"] == NOW
    assert [each["value"] for each in samples_of(message)] == ["5", "5"]
