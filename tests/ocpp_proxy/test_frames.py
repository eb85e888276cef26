"""OCPP-J messages: what can be understood of good, odd and broken ones."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp_proxy.frames import (
    Call,
    CallError,
    CallResult,
    Head,
    Unreadable,
    _any_head,
    answer_to,
    build_call,
    decode,
    parse,
    payload_of,
    refusal_of,
    scan,
    tail,
    with_id,
)
from ocpp_proxy.repair import repaired

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
# Nested values cost more to make than to read.
FEWER = settings(max_examples=settings().max_examples // 8)
ACTIONS = st.text("ABCdefgh", min_size=1, max_size=20)
IDS = st.text(min_size=0, max_size=36).filter(lambda text: text.isprintable())


def test_the_head_of_a_call_is_found_without_parsing_the_payload() -> None:
    assert scan(b'[2,"19223201","BootNotification",{"chargePoi') == Head(
        2, "19223201", "BootNotification"
    )


@pytest.mark.parametrize(
    ("data", "head"),
    [
        (b' [ 3 , "a" , {} ]', Head(3, "a", "")),
        (b'[3,"a","not an action"]', Head(3, "a", "")),
        (b'[4,"a","GenericError","",{}]', Head(4, "a", "")),
        (b'[2,4711,"Heartbeat",{}]', Head(2, "4711", "Heartbeat")),
        (b'[2,"a" "Heartbeat",{}]', Head(2, "a", "Heartbeat")),
        (b'[2,"",5,{}]', Head(2, "", "")),
        (b'\xef\xbb\xbf[2,"a","Heartbeat",{}]\x00', Head(2, "a", "Heartbeat")),
        (b'[2,"a\\"\\u0062","Heartbeat",{}]', Head(2, 'a"b', "Heartbeat")),
        (b'[2,"\xff","Heartbeat",{}]', Head(2, "\\xff", "Heartbeat")),
        (b'[5,"a","Event"]', Head(5, "a", "")),
    ],
)
def test_the_head_of_an_odd_message_is_found(data: bytes, head: Head) -> None:
    assert scan(data) == head


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"{}", b"[]", b"[2]", b"[2,null]", b'["2","a"]', b'[2,"' + b"a" * 600 + b'"]'],
)
def test_what_is_no_ocpp_has_no_head(data: bytes) -> None:
    assert scan(data) is None


@FEWER
@given(IDS, ACTIONS, st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_a_built_call_is_read_back(
    message_id: str, action: str, payload: dict[str, object]
) -> None:
    data = build_call(message_id, action, payload)
    assert scan(data) == Head(2, message_id, action)
    assert json.loads(data) == [2, message_id, action, payload]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'[2,"1","Heartbeat"]', Call("1", "Heartbeat")),
        (b'[2,"1","Heartbeat",null]', Call("1", "Heartbeat")),
        (b'[2,"1","Heartbeat",[]]', Call("1", "Heartbeat")),
        (b'[2,1,"Heartbeat",{},7]', Call("1", "Heartbeat")),
        (b'[3,"1",{"status":"Accepted"},{"more":1}]', CallResult("1", {"status": "Accepted"})),
        (b'[4,"1","GenericError"]', CallError("1", "GenericError")),
        (b'[4,"1","GenericError","why"]', CallError("1", "GenericError", "why")),
        (
            b'[4,"1","FormatViolation","",{"a":1}]',
            CallError("1", "FormatViolation", "", {"a": 1}),
        ),
        (b'[2,"1","Heartbeat",{}]\x00\x00', Call("1", "Heartbeat")),
        (b'[2,"1","Heartbeat",{}]garbage]', Call("1", "Heartbeat")),
        (b'[2,"1","X",{"a":1,"a":2}]', Call("1", "X", {"a": 2})),
        (b'[2,"1","X",{"a":NaN}]', Call("1", "X", {"a": None})),
        (b'[2,"1","X",{"a":"b\x00c"}]', Call("1", "X", {"a": "b\0c"})),
        (b'[2,"1","X",{"a":"\xff"}]', Call("1", "X", {"a": "�"})),
        (b'[3,"1",{"configurationKey":[]', CallResult("1", {"configurationKey": []})),
        (b'[3,"1",{"configurationKey":[]]', CallResult("1", {"configurationKey": []})),
        (
            b'[2,"1","MeterValues",{"sampledValue":[,{"value":7}]}]',
            Call("1", "MeterValues", {"sampledValue": [{"value": 7}]}),
        ),
        (b'[2,"1","X",{"a":[1,2,],}]', Call("1", "X", {"a": [1, 2]})),
        (b'[2,"1","X",{"a":"cut of', Call("1", "X", {"a": "cut of"})),
        (b'[2,"1","X",{"a":', Call("1", "X", {"a": None})),
    ],
)
def test_a_message_as_wallboxes_send_it_is_understood(data: bytes, message: object) -> None:
    assert decode(data) == message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"null",
        b"[true,false]",
        b'[2,"1"]',
        b'[2,"1",7,{}]',
        b'[2,null,"Heartbeat",{}]',
        b'[9,"1",{}]',
        b"[" * 100_000,
        b'[2,"1","X",' + b"[" * 40 + b"]" * 40 + b"]",
        b'[2,"1","X",{"a":' + b"9" * 10_000 + b"}]",
        b'[2,"1","X",{"a":"' + b"a" * 70_000 + b'"}]',
    ],
)
def test_what_cannot_be_understood_is_said_so_and_never_raised(data: bytes) -> None:
    assert isinstance(decode(data), Unreadable)


def test_brackets_inside_a_string_are_no_nesting() -> None:
    assert payload_of(b'[2,"1","X",{"a":"' + b"[" * 100 + b'"}]') == {"a": "[" * 100}


@given(st.binary(max_size=200))
def test_no_bytes_make_a_reader_fail(data: bytes) -> None:
    scan(data)
    decode(data)
    parse(data)


@given(
    st.sampled_from(
        [
            b'[2,"19223201","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]',
            b'[2,7,"MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[{"value":"1"}]}]}]',
            b'[4,"a\\u0062","GenericError","text",{}]',
        ]
    ),
    st.lists(st.tuples(st.integers(0, 90), st.binary(max_size=2), st.integers(0, 3)), max_size=4),
)
def test_no_damage_to_a_message_makes_a_reader_fail(
    data: bytes, damages: list[tuple[int, bytes, int]]
) -> None:
    for at, inserted, removed in damages:
        data = data[:at] + inserted + data[at + removed :]
    head, message = scan(data), decode(data)
    if head is not None and isinstance(message, Call):
        assert answer_to(data, b"{}").startswith(b"[3,")


@FEWER
@given(JSON)
def test_repairing_leaves_good_json_as_it_is(value: object) -> None:
    text = json.dumps([value])
    assert json.loads(repaired(text)) == [value]


@FEWER
@given(JSON, st.integers(min_value=1, max_value=60))
def test_json_cut_anywhere_can_be_read_up_to_the_cut(value: object, cut: int) -> None:
    parsed = parse(json.dumps([0, value]).encode()[:-cut] or b"[0")
    assert parsed is None or isinstance(parsed, list)


def test_an_answer_carries_the_id_exactly_as_the_call_wrote_it() -> None:
    assert answer_to(b'[2,4711,"X",{}]', {"a": 1}) == b'[3,4711,{"a":1}]'
    assert answer_to(b'[2, "a\\u0062\xff" ,"X",{}]', b"{}") == b'[3,"a\\u0062\xff",{}]'


def test_a_refusal_is_a_callerror_with_code_and_description() -> None:
    refusal = refusal_of(b'[2,"1","X",{}]', "NotSupported", 'no "X"')
    assert json.loads(refusal) == [4, "1", "NotSupported", 'no "X"', {}]


def test_only_the_id_changes_when_a_call_is_sent_again_under_another() -> None:
    assert with_id(b'[ 2, "1" ,"X",{"a": 1.0}]\n', "px-1") == b'[ 2, "px-1" ,"X",{"a": 1.0}]\n'
    assert with_id(b'[2,1,"X",{}]', "px-1") == b'[2,"px-1","X",{}]'
    with pytest.raises(ValueError, match="OCPP-J"):
        with_id(b"hello", "px-1")


def test_repeated_requests_have_the_same_tail_whatever_their_ids() -> None:
    assert tail(b'[2,"1","X",{"a":1}]') == tail(b'[2,"22", "X", {"a":1}]\x00')
    assert tail(b'[2,"1","X",{"a":1}]') != tail(b'[2,"1","X",{"a":2}]')


def test_a_lone_surrogate_does_not_stop_building() -> None:
    assert json.loads(build_call("1", "X", {"a": "\ud800"}))[3] == {"a": "\ud800"}


@given(
    st.sampled_from([b"[2,", b"[3,", b"[4,", b"[2 ,", b" [2,", b"[5,"]),
    st.text('ab"\\,{}[ é\x00', max_size=12),
    st.text('ab"\\,{}[ é\x00', max_size=30),
)
def test_the_quick_look_at_usual_heads_sees_what_the_tolerant_one_sees(
    beginning: bytes, one: str, rest: str
) -> None:
    for data in (
        beginning + b'"' + one.encode() + b'",' + rest.encode(),
        beginning + b'"' + one.encode() + b'","' + rest.encode() + b'",{}]',
        beginning + rest.encode(),
    ):
        assert scan(data) == _any_head(data), data
