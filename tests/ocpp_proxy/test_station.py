"""A station followed by copies of its messages, the way an evening of charging goes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp_proxy.entities import having_value, station_values
from ocpp_proxy.following import MOST_OPEN, Follower
from ocpp_proxy.observers import ConnectionFacts
from ocpp_proxy.relay.events import Leg
from ocpp_proxy.station import Connector, Station

WALL = 1_795_262_400.0


class Talk:
    """Both sides of a station's conversation, with a clock."""

    def __init__(self) -> None:
        self.station = Station("CP1")
        self.follower = Follower(self.station)
        self.now = 0.0
        self._id = 0

    def send(self, leg: Leg, message: Any, *, own: bool = False) -> None:
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.follower.message(leg, data, self.now, WALL + self.now, own)

    def call(self, action: str, payload: Any, answer: Any = None, leg: Leg = Leg.CHARGER) -> None:
        self._id += 1
        self.send(leg, [2, str(self._id), action, payload])
        if answer is not None:
            other = Leg.UPSTREAM if leg is Leg.CHARGER else Leg.CHARGER
            self.send(other, [3, str(self._id), answer])

    def command(self, action: str, payload: Any, answer: Any) -> None:
        self.call(action, payload, answer, Leg.UPSTREAM)

    def status(self, status: str, connector: int = 1, **more: Any) -> None:
        content = {"connectorId": connector, "status": status, "errorCode": "NoError"} | more
        self.call("StatusNotification", content, {})

    def meter(self, connector: int = 1, **more: Any) -> None:
        """`register` in Wh, `power` in W, `age` of the time stamp in seconds."""
        samples = []
        if "register" in more:
            samples.append({"value": str(more.pop("register"))})
        if "power" in more:
            samples.append({"value": str(more.pop("power")), "measurand": "Power.Active.Import"})
        when = stamp(WALL + self.now - more.pop("age", 0))
        value = {"timestamp": when, "sampledValue": samples}
        self.call("MeterValues", {"connectorId": connector, "meterValue": [value]} | more, {})

    def start(self, meter_start: int, transaction_id: int = 7, **more: Any) -> None:
        request = {"connectorId": 1, "idTag": "04A2B3C4D5", "meterStart": meter_start}
        request |= {"timestamp": stamp(WALL + self.now)} | more
        info = {"idTagInfo": {"status": "Accepted"}, "transactionId": transaction_id}
        self.call("StartTransaction", request, info)

    def stop(self, meter_stop: int, transaction_id: int = 7, **more: Any) -> None:
        request = {"transactionId": transaction_id, "meterStop": meter_stop}
        self.call("StopTransaction", request | {"timestamp": stamp(WALL + self.now)} | more, {})

    @property
    def one(self) -> Connector:
        return self.station.connectors[1]


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_a_boot_tells_who_the_charger_is_and_counts_when_accepted(talk: Talk) -> None:
    boot = {
        "chargePointVendor": "AcTEC",
        "chargePointModel": "EV-AC22K",
        "chargeBoxSerialNumber": "SN1",
        "firmwareVersion": "V1.17.9",
    }
    talk.call("BootNotification", boot, {"status": "Pending"})
    assert (talk.station.registration, talk.station.accepted) == ("Pending", False)
    talk.call("BootNotification", boot, {"status": "Accepted"})
    station = talk.station
    assert (station.vendor, station.model, station.serial) == ("AcTEC", "EV-AC22K", "SN1")
    assert (station.firmware, station.accepted, station.last_boot) == ("V1.17.9", True, WALL)


def test_the_proxys_own_replay_of_a_boot_counts_by_its_answer_only(talk: Talk) -> None:
    talk.send(Leg.CHARGER, [2, "px-1", "BootNotification", {"chargePointVendor": "X"}], own=True)
    talk.send(Leg.UPSTREAM, [3, "px-1", {"status": "Accepted"}])
    assert talk.station.accepted
    assert talk.station.last_boot is None
    assert talk.station.last_message is None


def test_plug_charge_and_problem_follow_the_status(talk: Talk) -> None:
    seen = []
    for status in ("Available", "Preparing", "Charging", "SuspendedEV", "Finishing", "Faulted"):
        talk.status(status)
        seen.append((talk.one.plugged, talk.one.charging, talk.one.problem))
    assert seen == [
        (False, False, False),
        (True, False, False),
        (True, True, False),
        (True, False, False),
        (True, False, False),
        (False, False, True),
    ]


def test_an_error_keeps_its_details_for_the_attributes(talk: Talk) -> None:
    talk.status("Charging", errorCode="OtherError", info="fan", vendorErrorCode="E7", vendorId="")
    assert talk.one.problem
    assert talk.one.error_details == {"info": "fan", "vendorErrorCode": "E7"}
    talk.status("Charging")
    assert talk.one.error_details == {}


def test_words_that_ocpp_does_not_know_are_no_state(talk: Talk) -> None:
    talk.status("Occupied", errorCode="Broken")
    assert (talk.one.status, talk.one.error_code, talk.one.problem) == (None, None, None)
    talk.status("charging")
    assert talk.one.status == "Charging"


def test_a_session_is_counted_from_meter_start_to_meter_stop(talk: Talk) -> None:
    talk.meter(register=100_000)
    talk.start(100_000)
    assert (talk.one.session_energy, talk.one.session_start) == (0.0, WALL)
    assert (talk.one.transaction_id, talk.station.authorization_status) == (7, "Accepted")
    talk.now = 60
    talk.meter(register=101_500, power=3600, transactionId=7)
    assert talk.one.session_energy == 1.5
    talk.stop(103_250, reason="EVDisconnected")
    one = talk.one
    assert (one.session_energy, one.stop_reason, one.transaction_id) == (
        3.25,
        "EVDisconnected",
        None,
    )
    assert one.values["power"] == 0.0
    assert one.values["energy_total"] == 101.5


def test_a_register_that_begins_at_zero_with_each_session_is_the_sessions_energy(
    talk: Talk,
) -> None:
    talk.meter(register=12_000)
    talk.start(0)
    talk.meter(register=500)
    assert talk.one.session_energy == 0.5
    talk.stop(900)
    assert talk.one.session_energy == 0.9


def test_a_register_lower_than_meter_start_has_restarted(talk: Talk) -> None:
    talk.start(12_000)
    talk.meter(register=500)
    assert talk.one.session_energy == 0.5


def test_a_meter_start_of_zero_beside_a_running_register_is_not_believed(talk: Talk) -> None:
    talk.meter(register=12_000)
    talk.start(0)
    talk.meter(register=12_400)
    assert talk.one.session_energy == 0.4
    talk.stop(13_000)
    assert talk.one.session_energy == 1.0


def test_a_meter_stop_of_zero_does_not_wipe_the_session(talk: Talk) -> None:
    talk.start(1_000)
    talk.meter(register=3_000)
    talk.stop(0)
    assert talk.one.session_energy == 2.0


def test_transaction_data_gives_the_energy_of_a_session_nobody_saw_begin(talk: Talk) -> None:
    talk.meter(register=5_000, transactionId=99)
    assert (talk.one.transaction_id, talk.one.session_energy) == (99, None)
    data = [
        {"sampledValue": [{"value": "1000", "context": "Transaction.Begin"}]},
        {"sampledValue": [{"value": "6000", "context": "Transaction.End"}]},
    ]
    talk.stop(0, 99, transactionData=data)
    assert talk.one.session_energy == 5.0
    assert talk.one.values["energy_total"] == 5.0


def test_a_start_transaction_repeated_after_an_outage_starts_nothing_anew(talk: Talk) -> None:
    talk.start(1_000)
    talk.meter(register=2_000)
    start = {"connectorId": 1, "idTag": "T", "meterStart": 1000, "timestamp": stamp(WALL)}
    talk.call("StartTransaction", start)
    assert talk.one.session_energy == 1.0


def test_values_after_the_stop_do_not_bring_the_transaction_back(talk: Talk) -> None:
    talk.start(1_000)
    talk.stop(2_000)
    talk.meter(register=2_000, transactionId=7)
    assert talk.one.transaction_id is None


@pytest.mark.parametrize("transaction_id", [0, -1, "x", None])
def test_no_transaction_is_made_of_a_placeholder(talk: Talk, transaction_id: Any) -> None:
    talk.meter(register=2_000, transactionId=transaction_id)
    assert talk.one.transaction is None


def test_a_transaction_id_of_zero_given_by_upstream_is_a_transaction(talk: Talk) -> None:
    talk.start(1_000, transaction_id=0)
    talk.meter(register=2_000, transactionId=0)
    assert (talk.one.transaction_id, talk.one.session_energy) == (0, 1.0)
    talk.stop(3_000, 0)
    assert talk.one.session_energy == 2.0


def test_available_ends_a_session_whose_stop_was_lost(talk: Talk) -> None:
    talk.start(1_000)
    talk.meter(register=2_000, power=3000)
    talk.status("Available")
    assert talk.one.transaction is None
    assert talk.one.values["power"] == 0.0
    assert talk.one.session_energy == 1.0


def test_the_energy_falls_to_zero_only_when_it_stays_there(talk: Talk) -> None:
    talk.meter(register=5_000)
    talk.meter(register=0)
    assert talk.one.values["energy_total"] == 5.0
    talk.meter(register=5_100)
    talk.meter(register=0)
    assert talk.one.values["energy_total"] == 5.1
    talk.meter(register=0)
    assert talk.one.values["energy_total"] == 0.0


def test_readings_without_a_transaction_grow_old(talk: Talk) -> None:
    talk.meter(register=5_000, power=2000)
    talk.follower.tick(60.0)
    assert talk.one.values["power"] == 2000
    talk.follower.tick(61.0)
    assert talk.one.values == {"power": 0.0, "energy_total": 5.0}


def test_a_longer_sample_interval_is_waited_for(talk: Talk) -> None:
    setting = {"key": "MeterValueSampleInterval", "value": "300"}
    talk.command("ChangeConfiguration", setting, {"status": "Accepted"})
    talk.meter(power=2000)
    talk.follower.tick(309.0)
    assert talk.one.values["power"] == 2000
    talk.follower.tick(311.0)
    assert talk.one.values["power"] == 0.0


def test_readings_of_a_running_transaction_do_not_grow_old(talk: Talk) -> None:
    talk.start(0)
    talk.meter(power=2000, transactionId=7)
    talk.follower.tick(3600.0)
    assert talk.one.values["power"] == 2000


def test_history_after_an_outage_does_not_move_the_display(talk: Talk) -> None:
    talk.meter(power=2000)
    talk.meter(power=11_000, age=1800)
    assert talk.one.values["power"] == 2000


def test_a_value_the_rules_repaired_counts_instead_of_the_original(talk: Talk) -> None:
    def values(watts: int) -> list[Any]:
        sampled = [{"value": str(watts), "measurand": "Power.Active.Import"}]
        element = {"timestamp": stamp(WALL), "sampledValue": sampled}
        return [2, "9", "MeterValues", {"connectorId": 1, "meterValue": [element]}]

    talk.send(Leg.CHARGER, values(2))
    talk.send(Leg.CHARGER, values(2000), own=True)
    assert talk.one.values["power"] == 2000
    talk.now = 100.0
    talk.send(Leg.CHARGER, values(5), own=True)
    assert talk.one.values["power"] == 2000


def test_the_station_as_a_whole_is_not_connector_one(talk: Talk) -> None:
    talk.meter(connector=0, power=5000)
    talk.meter(connector=1, power=2000)
    assert talk.station.connectors[0].values["power"] == 5000
    assert talk.one.values["power"] == 2000


def profile(limit: float, unit: str = "A", **more: Any) -> dict[str, Any]:
    periods = [{"startPeriod": 0, "limit": limit}]
    schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": periods}
    content = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile"}
    return {"connectorId": 1, "csChargingProfiles": content | {"chargingSchedule": schedule} | more}


def test_only_an_accepted_limit_counts(talk: Talk) -> None:
    talk.command("SetChargingProfile", profile(16), {"status": "Accepted", "odd": 1})
    talk.command("SetChargingProfile", profile(6), {"status": "Rejected"})
    assert talk.one.limit is not None
    assert (talk.one.limit.value, talk.one.limit.unit) == (16.0, "A")
    talk.command("SetChargingProfile", profile(4140.0, "W"), {"status": "Accepted"})
    assert (talk.one.limit.value, talk.one.limit.unit) == (4140.0, "W")


def test_a_cleared_profile_takes_its_limit_along(talk: Talk) -> None:
    talk.command("SetChargingProfile", profile(16), {"status": "Accepted"})
    talk.command("ClearChargingProfile", {"id": 2}, {"status": "Accepted"})
    assert talk.one.limit is not None
    talk.command("ClearChargingProfile", {"id": 1}, {"status": "Unknown"})
    assert talk.one.limit is not None
    talk.command("ClearChargingProfile", {"connectorId": 1}, {"status": "Accepted"})
    assert talk.one.limit is None


def test_both_sides_may_use_the_same_id_at_the_same_time(talk: Talk) -> None:
    talk.send(Leg.UPSTREAM, [2, "1", "SetChargingProfile", profile(10)])
    talk.send(Leg.CHARGER, [2, "1", "Authorize", {"idTag": "T"}])
    talk.send(Leg.CHARGER, [3, "1", {"status": "Accepted"}])
    talk.send(Leg.UPSTREAM, [3, "1", {"idTagInfo": {"status": "Blocked"}}])
    assert talk.one.limit is not None
    assert talk.station.authorization_status == "Blocked"


def test_an_error_answer_settles_nothing(talk: Talk) -> None:
    talk.send(Leg.CHARGER, [2, "1", "BootNotification", {}])
    talk.send(Leg.UPSTREAM, [4, "1", "InternalError", "", {}])
    talk.send(Leg.UPSTREAM, [3, "1", {"status": "Accepted"}])
    assert not talk.station.accepted


def test_the_number_of_connectors_is_learnt_from_the_configuration(talk: Talk) -> None:
    talk.status("Available")
    assert talk.station.single
    keys = [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}, None, {"key": 7}]
    talk.command("GetConfiguration", {}, {"configurationKey": keys})
    assert not talk.station.single


def test_connections_are_counted_and_described(talk: Talk) -> None:
    for _ in range(3):
        talk.follower.connected(ConnectionFacts("192.0.2.7", "ocpp1.6"))
    talk.follower.latency(Leg.CHARGER, 12.345)
    talk.follower.upstream(up=False)
    values = station_values(talk.station)
    assert values["reconnects"] == 2
    assert (values["charger_connected"], values["upstream_connected"]) == (True, False)
    assert (values["peer_address"], values["latency_charger"]) == ("192.0.2.7", 12.3)
    talk.follower.disconnected()
    assert station_values(talk.station)["charger_connected"] is False


@pytest.mark.parametrize("number", [-1, 33, 10**30, "a", None, True, 1.5, {}])
def test_an_impossible_connector_is_not_made(talk: Talk, number: Any) -> None:
    talk.status("Available", number)
    talk.meter(number, power=1)
    assert talk.station.connectors == {}


def test_open_calls_are_bounded(talk: Talk) -> None:
    for n in range(10 * MOST_OPEN):
        talk.send(Leg.CHARGER, [2, f"x{n}", "Heartbeat", {}])
    assert len(talk.follower._open[Leg.CHARGER]) == MOST_OPEN


def test_texts_are_cut_and_cleaned_for_home_assistant(talk: Talk) -> None:
    talk.call("BootNotification", {"chargePointVendor": "A\0\n\u0085B" + "x" * 1000})
    assert talk.station.vendor.startswith("ABx")
    assert len(talk.station.vendor) == 255


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"[", b"[" * 70000, b'[2,"1","BootNotification",' + b" " * 70000 + b"{}]"],
)
def test_what_cannot_be_decoded_changes_nothing_but_the_last_message(
    talk: Talk, data: bytes
) -> None:
    talk.send(Leg.CHARGER, data)
    assert talk.station.last_message == WALL
    assert (talk.station.connectors, talk.station.last_boot) == ({}, None)


def test_a_clock_before_2020_is_not_shown(talk: Talk) -> None:
    talk.follower.message(Leg.CHARGER, b'[2,"1","Heartbeat",{}]', 1.0, 12.0)
    assert (talk.station.last_heartbeat, talk.station.last_message) == (None, None)


_SCALARS = st.sampled_from(
    [0, 1, -1, 1.5, 2**70, "1", "", None, True, "Available", "Accepted", "2026-01-01T00:00:00Z"]
)
_KEYS = st.sampled_from(
    [
        "connectorId",
        "status",
        "errorCode",
        "meterValue",
        "sampledValue",
        "value",
        "timestamp",
        "transactionId",
        "meterStart",
        "meterStop",
        "transactionData",
        "idTag",
        "idTagInfo",
        "key",
        "csChargingProfiles",
        "chargingSchedule",
        "limit",
        "chargingSchedulePeriod",
        "configurationKey",
        "chargingRateUnit",
        "reason",
        "chargePointVendor",
    ]
)
_PAYLOADS = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=15,
)
_ACTIONS = st.sampled_from(
    [
        "Authorize",
        "BootNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        "ChangeConfiguration",
        "ClearChargingProfile",
        "GetConfiguration",
        "SetChargingProfile",
        "Unknown",
    ]
)


# Each example is a conversation of up to twelve messages, so a fifth of them is as much reading.
@settings(max_examples=settings().max_examples // 5)
@given(st.lists(st.tuples(st.sampled_from(Leg), _ACTIONS, _PAYLOADS, _PAYLOADS), max_size=6))
def test_no_conversation_raises_and_every_state_can_be_shown(
    talk_steps: list[tuple[Leg, str, Any, Any]],
) -> None:
    talk = Talk()
    for leg, action, payload, answer in talk_steps:
        talk.call(action, payload, answer if answer is not None else {}, leg)
        talk.now += 30.0
        talk.follower.tick(talk.now)
    list(having_value(talk.station))
    assert len(talk.station.connectors) <= 33
