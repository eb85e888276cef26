"""Rules that rewrite charging limits: form, unit, least limit, and what becomes of 0."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.rules.profile import Profile, filled, rewritten
from ocpp_proxy.testing.wire import schema_faults

from tests.ocpp_proxy.relaying import NOON, call, meter_values, result, status
from tests.ocpp_proxy.ruling import RuledBench, fewer

MIDNIGHT = "2026-11-01T00:00:00.000Z"


def evcc_profile(*limits: float, unit: str = "A", **schedule: Any) -> dict[str, Any]:
    """What evcc sends (seen on evcc 0.313); more limits follow an hour after each other."""
    periods = [{"startPeriod": 3600 * n, "limit": limit} for n, limit in enumerate(limits)]
    return {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 8,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "startSchedule": "2026-11-01T11:59:00Z",
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": periods,
                **schedule,
            },
        },
    }


def sent(text: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The payload the charger gets under these rules."""
    bench = RuledBench(text)
    message: list[Any] = bench.down(call("u", "SetChargingProfile", payload))
    assert message[:3] == [2, "u", "SetChargingProfile"]
    assert schema_faults(2, "SetChargingProfile", message[3]) == []
    found: dict[str, Any] = message[3]
    return found


def schedule_of(payload: dict[str, Any]) -> dict[str, Any]:
    schedule: dict[str, Any] = payload["csChargingProfiles"]["chargingSchedule"]
    return schedule


def limits_of(payload: dict[str, Any]) -> list[float]:
    return [period["limit"] for period in schedule_of(payload)["chargingSchedulePeriod"]]


def test_amperes_become_watts_for_every_period_and_the_least_rate() -> None:
    payload = evcc_profile(6, 16.1, 0, minChargingRate=6)
    payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][1][
        "numberPhases"
    ] = 1
    got = sent("profile unit=W watts_per_amp=690", payload)
    assert schedule_of(got)["chargingRateUnit"] == "W"
    assert limits_of(got) == [4140, 3703, 0]
    assert schedule_of(got)["minChargingRate"] == 4140


def test_a_wallbox_on_one_phase_gets_a_third() -> None:
    assert limits_of(sent("profile unit=W number_phases=1", evcc_profile(10))) == [2300]


def test_watts_become_amperes_and_never_more() -> None:
    assert limits_of(sent("profile unit=A", evcc_profile(11000, unit="W"))) == [15.9]


def test_a_profile_in_the_wanted_unit_keeps_its_numbers_and_its_bytes() -> None:
    bench = RuledBench("profile unit=A watts_per_amp=700 stack_level=8")
    data = call("u", "SetChargingProfile", evcc_profile(10.5))
    bench.upstream(data)
    assert bench.to_charger == [data]


def test_fields_are_set_as_the_line_says() -> None:
    line = "profile stack_level=0 kind=Relative purpose=ChargePointMaxProfile connector_id=0 id=7"
    got = sent(line + " number_phases=3", evcc_profile(10))
    profile = got["csChargingProfiles"]
    assert got["connectorId"] == 0
    assert profile["stackLevel"] == 0
    assert profile["chargingProfileKind"] == "Relative"
    assert profile["chargingProfilePurpose"] == "ChargePointMaxProfile"
    assert profile["chargingProfileId"] == 7
    assert schedule_of(got)["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 10, "numberPhases": 3}
    ]


def test_the_daily_template_writes_what_an_actec_takes() -> None:
    payload = evcc_profile(6)
    payload["csChargingProfiles"]["transactionId"] = 5
    payload["csChargingProfiles"]["chargingProfilePurpose"] = "TxProfile"
    assert sent("profile template=daily", payload) == {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 231,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "recurrencyKind": "Daily",
            "chargingSchedule": {
                "duration": 86400,
                "startSchedule": MIDNIGHT,
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 4140, "numberPhases": 3}],
            },
        },
    }


def test_the_daily_template_keeps_the_limits_of_later_today_at_their_time() -> None:
    got = sent("profile template=daily unit=A id=9", evcc_profile(6, 8, 10))
    assert got["csChargingProfiles"]["chargingProfileId"] == 9
    assert [
        (period["startPeriod"], period["limit"])
        for period in schedule_of(got)["chargingSchedulePeriod"]
    ] == [(0, 6), (46740, 8), (50340, 10)]


def test_the_profile_of_a_remote_start_gets_the_form_too_and_stays_a_tx_profile() -> None:
    profile = evcc_profile(10)["csChargingProfiles"]
    profile["chargingProfilePurpose"] = "TxProfile"
    bench = RuledBench("profile unit=W purpose=TxDefaultProfile connector_id=0")
    request = {"idTag": "A", "connectorId": 1, "chargingProfile": profile}
    got = bench.down(call("u", "RemoteStartTransaction", request))[3]
    assert got["connectorId"] == 1
    assert got["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"
    assert got["chargingProfile"]["chargingSchedule"]["chargingRateUnit"] == "W"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["startPeriod", "limit", "numberPhases", "startSchedule", "duration"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@fewer
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["startPeriod", "limit", "numberPhases"]), json_values)
    ),
    json_values,
    st.sampled_from([Profile(unit="W"), Profile(unit="A"), filled(Profile(template="daily"))]),
)
def test_no_profile_is_too_odd(periods: list[Any], start: Any, form: Profile) -> None:
    schedule = {
        "chargingSchedulePeriod": periods, "startSchedule": start, "chargingRateUnit": "A",
        "minChargingRate": start,
    }  # fmt: skip
    rewritten({"chargingSchedule": schedule}, form, datetime(2026, 11, 1, 12, tzinfo=UTC))


@fewer
@given(st.integers(60, 320), st.sampled_from([1, 2, 3, None]))
def test_a_limit_is_never_raised_by_its_change_of_unit(tenths: int, phases: int | None) -> None:
    payload = evcc_profile(tenths / 10)["csChargingProfiles"]
    if phases is not None:
        payload["chargingSchedule"]["chargingSchedulePeriod"][0]["numberPhases"] = phases
    rewritten(payload, Profile(unit="W"), NOON)
    watts = payload["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
    assert watts <= tenths / 10 * 230 * (phases or 3) + 1e-6
    rewritten(payload, Profile(unit="A"), NOON)
    amperes = payload["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
    assert tenths / 10 - 0.11 <= amperes <= tenths / 10


def test_too_low_a_limit_is_raised_and_0_stays() -> None:
    assert limits_of(sent("min_limit 6", evcc_profile(5.9, 6, 7, 0))) == [6, 6, 7, 0]


def test_the_least_limit_counts_in_the_unit_the_wallbox_gets() -> None:
    assert limits_of(sent("min_limit 4140; profile unit=W", evcc_profile(5, 8))) == [4140, 5520]


def test_0_becomes_the_least_limit_if_so_wished() -> None:
    assert limits_of(sent("min_limit 6; zero_action min_limit", evcc_profile(0))) == [6]


def test_0_stops_the_transaction_if_so_wished_and_its_answer_is_the_wallboxs_own() -> None:
    bench = RuledBench("zero_action remote_stop")
    start = {"connectorId": 1, "idTag": "A", "meterStart": 1, "timestamp": MIDNIGHT}
    bench.up(call("s", "StartTransaction", start))
    bench.down(result("s", {"transactionId": 77, "idTagInfo": {"status": "Accepted"}}))
    stop = bench.down(call("u", "SetChargingProfile", evcc_profile(0)))
    assert stop == [2, "u", "RemoteStopTransaction", {"transactionId": 77}]
    assert bench.up(result("u", {"status": "Accepted"})) == [3, "u", {"status": "Accepted"}]
    assert "transaction stopped" in bench.logged()
    ended = {"transactionId": 77, "meterStop": 2, "timestamp": MIDNIGHT}
    assert bench.up(call("t", "StopTransaction", ended))[3] == ended
    assert limits_of(bench.down(call("v", "SetChargingProfile", evcc_profile(0)))[3]) == [0]


def test_a_transaction_of_before_is_known_from_meter_values() -> None:
    bench = RuledBench("zero_action remote_stop")
    bench.up(call("m", "MeterValues", {**meter_values(1), "transactionId": 5}))
    whole = {**evcc_profile(0), "connectorId": 0}
    assert bench.down(call("u", "SetChargingProfile", whole))[3] == {"transactionId": 5}
    bench.up(call("n", "StatusNotification", status(1, "Available")))
    assert bench.down(call("v", "SetChargingProfile", whole))[2] == "SetChargingProfile"


@pytest.mark.parametrize("line", ["zero_action keep", "min_limit 6", "zero_action remote_stop"])
def test_0_stays_0_without_anything_to_stop(line: str) -> None:
    data = call("u", "SetChargingProfile", evcc_profile(0))
    bench = RuledBench(line)
    bench.upstream(data)
    assert bench.to_charger == [data]
