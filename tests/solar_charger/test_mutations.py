"""A hundred thousand damaged answers for each reader: read within bounds, or refused as such."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import settings
from solar_charger.car.charge_state import parse_body_output, parse_charge_output
from solar_charger.json_values import UnreadableAnswerError
from solar_charger.sources import dashboard
from solar_charger.sources.envoy import answers
from solar_charger.sources.fronius import parse_power_flow
from solar_charger.sources.readings import Stamps
from solar_charger.sources.twc_gen2 import parse_slaves
from solar_charger.sources.twc_gen3 import parse_vitals
from solar_charger.testing import gateway_answers
from solar_charger.testing.house import Car, House
from solar_charger.testing.wall_connector import FakeWallConnector

from tests.mutations import mutations
from tests.solar_charger.fakes import as_bytes

# 100,000 for each reader; fewer on a second Python, ten times as many in the long run.
COUNT = min(1_000_000, 50 * settings().max_examples)
SEED = 20261121
HOUSE = House(pv_w=5200, base_w=450, car=Car(charging=True, request_amps=10))
METERS = ("production", "net-consumption")
FLOW = {
    "Body": {"Data": {"Site": {"P_Grid": -1200.5, "P_PV": 5200.0, "P_Load": -4000.0, "P_Akku": 3}}},
    "Head": {"Status": {"Code": 0, "Reason": ""}},
}
SLAVES = {
    "AAAA": {"lastHeartbeat": 2, "currentVIN": "5YJ3E1EA0KF000316", "state": 1,
             "reportedAmpsActual": 12.1, "voltsPhaseA": 240},
    "total": {"reportedAmpsActual": 12},
}  # fmt: skip
ENVOY_DATA = {"excess_watts": 1200, "production_watts": 5200, "stale": False, "missing": [],
              "envoy_data_age_seconds": 3}  # fmt: skip
CHARGE = b"""2026-01-01T00:00:00Z [info ] connected
{"chargeState":{"chargingState":{"Charging":{}},"chargeLimitSoc":80,"batteryLevel":65,
"chargerVoltage":240,"chargerPilotCurrent":48,"chargerActualCurrent":24,"chargerPhases":1,
"chargeEnergyAdded":4.2,"minutesToFullCharge":95,"timestamp":"2026-01-01T12:00:00Z"}}
"""
BODY = b'{"vehicleSleepStatus":"VEHICLE_SLEEP_STATUS_AWAKE","closureStatuses":{},"userPresence":1}'
READERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "info": (
        answers.parse_info,
        gateway_answers.info("122233344455", "D8.2.4401", metered=True, web_tokens=True).encode(),
    ),
    "meters": (
        answers.parse_meters, as_bytes(gateway_answers.meters(HOUSE, METERS, flags=True)),
    ),
    "readings": (
        answers.parse_readings, as_bytes(gateway_answers.readings(HOUSE, METERS, 1_700_000_000)),
    ),
    "production": (
        answers.parse_production,
        as_bytes(gateway_answers.production(
            HOUSE, METERS, 1_700_000_000, details=True, total_is_net=False
        )),
    ),
    "fronius": (lambda data: parse_power_flow(data, 1.0, "fronius", Stamps()), as_bytes(FLOW)),
    "vitals": (parse_vitals, as_bytes(FakeWallConnector(HOUSE).vitals())),
    "slaves": (parse_slaves, as_bytes(SLAVES)),
    "envoy_data": (
        lambda data: dashboard.parse_envoy_data(data, 1.0, "dashboard"), as_bytes(ENVOY_DATA),
    ),
    "charge": (lambda data: parse_charge_output(data.decode(errors="replace")), CHARGE),
    "body": (lambda data: parse_body_output(data.decode(errors="replace")), BODY),
}  # fmt: skip


def numbers(value: object) -> Iterator[float]:
    """Every number in what a reader gave."""
    if is_dataclass(value):
        for each in fields(value):
            yield from numbers(getattr(value, each.name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, (tuple, list)):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, float):
        yield value


@pytest.mark.parametrize("name", READERS)
def test_damaged_answers_are_read_or_refused(name: str) -> None:
    read, good = READERS[name]
    understood = 0
    read(good)
    for data in mutations([good], COUNT, SEED):
        try:
            found = read(data)
        except UnreadableAnswerError:
            continue
        understood += 1
        assert all(map(math.isfinite, numbers(found))), data
    assert 0 < understood < COUNT
