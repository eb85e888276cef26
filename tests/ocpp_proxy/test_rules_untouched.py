"""What no rule acts on passes byte for byte, and nothing a peer sends makes a rule fail."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.actions import ACTIONS

from tests.ocpp_proxy.relaying import Bench, call
from tests.ocpp_proxy.ruling import RuledBench, fewer
from tests.ocpp_proxy.test_rules_lines import EVERY_RULE

ACTION_NAMES = [*sorted(ACTIONS), "Vendor.Own", ""]
# Rules that leave what these random texts hold alone.
QUIET = "map_id_tag A-TAG B; min_limit 6; truncate_strings; answer_for_charger ClearCache"


def random_text(random: Random, number: int) -> bytes:
    """Something between a well-formed message and noise; each id occurs once."""
    kind = random.choice((2, 2, 2, 3, 4, 5))
    blank = random.choice(("", " ", "\n", "\t "))
    payload = json.dumps({f"k{random.randrange(9)}": random.random() * 10 ** random.randrange(9)})
    payload = payload.replace("{", "{" + blank)
    action = f'"Unknown{random.randrange(5)}",' if kind == 2 else ""
    text = f'[{kind},{blank}"{number}",{blank}{action}{payload}{blank}]'.encode()
    form = random.randrange(6)
    if form == 0:
        return text[: random.randrange(len(text) + 1)]
    if form == 1:
        return text + bytes(random.randrange(256) for _ in range(random.randrange(8)))
    if form == 2:
        return random.randbytes(random.randrange(40))
    return text


@pytest.mark.parametrize("rules", ["", QUIET])
def test_relay_is_byte_equal_for_ten_thousand_random_texts_when_no_rule_acts(rules: str) -> None:
    random = Random(20261101)
    bench = RuledBench(rules) if rules else Bench()
    sent: dict[str, list[tuple[bytes, bool]]] = {"up": [], "down": []}
    for number in range(10_000):
        data, text = random_text(random, number), random.random() < 0.9
        if random.random() < 0.5:
            bench.charger(data, text)
            sent["up"].append((data, text))
        else:
            bench.upstream(data, text)
            sent["down"].append((data, text))
    assert bench.to_upstream == [data for data, _ in sent["up"]]
    assert bench.to_charger == [data for data, _ in sent["down"]]
    frames = [frame for frame in bench.frames if frame.leg.value == "upstream"]
    assert [frame.text for frame in frames] == [text for _, text in sent["up"]]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["", "0", "MeterValues", "BootNotification", "A", "W", "L1", "evcc tag"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "meterValue",
                        "sampledValue",
                        "transactionData",
                        "timestamp",
                        "value",
                        "unit",
                    ),
                    *("measurand", "phase", "context", "csChargingProfiles", "chargingSchedule"),
                    *(
                        "chargingSchedulePeriod",
                        "limit",
                        "startPeriod",
                        "connectorId",
                        "key",
                        "idTag",
                    ),
                    *(
                        "requestedMessage",
                        "transactionId",
                        "chargingRateUnit",
                        "status",
                        "idTagInfo",
                    ),
                    *(
                        "parentIdTag",
                        "localAuthorizationList",
                        "chargingProfile",
                        "configurationKey",
                    ),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)
identities = st.sampled_from(["1", "2", "3"])
messages = st.one_of(
    st.tuples(st.just(2), identities, st.sampled_from(ACTION_NAMES), values),
    st.tuples(st.just(3), identities, values),
    st.tuples(st.just(4), identities, st.text(max_size=5)),
).map(lambda message: json.dumps(message).encode())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["charger", "upstream", "wait", "lose", "return"]),
            messages | st.binary(max_size=60),
        ),
        max_size=12,
    )
)
@fewer
def test_no_session_is_too_odd_for_all_rules_together(steps: list[tuple[str, bytes]]) -> None:
    bench = RuledBench(EVERY_RULE)
    for step, data in steps:
        match step:
            case "charger" | "upstream":
                getattr(bench, step)(data)
            case "wait":
                bench.wait(7)
            case "lose":
                bench.lose_upstream()
            case "return" if not bench.relay.upstream_up:
                bench.upstream_returns()


@given(values, st.sampled_from(["StartTransaction", "StopTransaction"]))
@fewer
def test_no_rule_touches_amounts_and_ids_of_a_transaction(extra: Any, action: str) -> None:
    amounts = {"meterStart": 12, "meterStop": 4711.25, "transactionId": 99, "reservationId": 3}
    payload = {**(extra if isinstance(extra, dict) else {}), **amounts, "connectorId": 1}
    bench = RuledBench(EVERY_RULE)
    bench.charger(call("t", action, payload))
    [message] = bench.take_upstream()
    assert {name: message[3][name] for name in amounts} == amounts
