"""A hundred thousand damaged messages of one evening: none breaks what reads them."""

from __future__ import annotations

import json

import pytest
from hypothesis import settings
from ocpp_proxy.entities import connector_values, station_values
from ocpp_proxy.following import Follower
from ocpp_proxy.relay.events import Leg
from ocpp_proxy.station import Station

from tests.mutations import mutations

# 100,000; fewer on a second Python, ten times as many in the long run.
COUNT = min(1_000_000, 50 * settings().max_examples)
SEED = 20261121
NOW = 1_800_000_000.0
TIME = "2026-11-21T17:03:00Z"
BY_CHARGER = (
    [2, "1", "BootNotification", {"chargePointVendor": "AcTec", "chargePointModel": "7kW",
     "firmwareVersion": "1.0", "chargePointSerialNumber": "A1"}],
    [2, "2", "StatusNotification", {"connectorId": 1, "status": "Preparing",
     "errorCode": "NoError", "timestamp": TIME}],
    [2, "3", "Authorize", {"idTag": "04A2B3C4D5"}],
    [2, "4", "StartTransaction", {"connectorId": 1, "idTag": "04A2B3C4D5", "meterStart": 1000,
     "timestamp": TIME}],
    [2, "5", "MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": [
        {"timestamp": TIME, "sampledValue": [
            {"value": "1234", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": "7.2", "measurand": "Power.Active.Import", "unit": "kW"},
            {"value": "16.1", "measurand": "Current.Import", "phase": "L1", "unit": "A"}]}]}],
    [3, "u1", {"configurationKey": [{"key": "HeartbeatInterval", "value": "60",
     "readonly": False}], "unknownKey": []}],
    [3, "u2", {"status": "Accepted"}],
    [2, "6", "StopTransaction", {"transactionId": 7, "meterStop": 9000, "timestamp": TIME}],
    [2, "7", "Heartbeat", {}],
)  # fmt: skip
BY_UPSTREAM = (
    [3, "1", {"status": "Accepted", "currentTime": TIME, "interval": 60}],
    [2, "u1", "GetConfiguration", {"key": ["HeartbeatInterval"]}],
    [3, "4", {"idTagInfo": {"status": "Accepted"}, "transactionId": 7}],
    [2, "u2", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": {
        "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute", "chargingSchedule": {"chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]}}}],
    [4, "6", "InternalError", "not now", {}],
)  # fmt: skip


def encoded(messages: tuple[list[object], ...]) -> list[bytes]:
    return [json.dumps(message).encode() for message in messages]


@pytest.mark.parametrize(
    ("leg", "good"), [(Leg.CHARGER, encoded(BY_CHARGER)), (Leg.UPSTREAM, encoded(BY_UPSTREAM))]
)
def test_no_damage_disturbs_what_is_known_of_a_wallbox(leg: Leg, good: list[bytes]) -> None:
    station = Station("CP1")
    follower = Follower(station)
    now = 0.0
    for number, data in enumerate(mutations(good, COUNT // 2, SEED)):
        now += 0.1
        follower.message(leg, data, now, NOW + now)
        if number % 100 == 0:
            shown = [station_values(station), *map(connector_values, station.connectors.values())]
            json.dumps(shown, allow_nan=False)
    assert len(station.connectors) <= 33
    follower.message(Leg.CHARGER, encoded(BY_CHARGER)[1], now, NOW + now)
    connector = station.connector(1)
    assert connector is not None
    assert connector.status == "Preparing"
