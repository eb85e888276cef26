"""Simulated wall connectors: Gen 3 with its own HTTP, Gen 2 behind TWCManager."""

from __future__ import annotations

import json
import math
from typing import Any

from aiohttp import web

from .house import House
from .server import FakeServer


class FakeWallConnector(FakeServer):
    """Gen 3. `newer` sends the field set of recent firmware, which the reference library wants."""

    def __init__(self, house: House, *, port: int = 0, newer: bool = True) -> None:
        super().__init__(port)
        self.house = house
        self.newer = newer
        self.bare_nan = False
        """Write `nan` for what is not measured, as the connector does."""
        self.missing_brace = False
        self.connected_override: bool | None = None
        """A car of another make may show as not connected."""

    def routes(self) -> list[web.RouteDef]:
        """The four paths."""
        names = ("vitals", "lifetime", "version", "wifi_status")
        return [web.get(f"/api/1/{name}", self._answer(name)) for name in names]

    def _answer(self, name: str) -> Any:
        async def answer(_request: web.Request) -> web.Response:
            text = json.dumps(getattr(self, name)()).replace("NaN", "nan")
            if self.missing_brace:
                text = text[:-1]
            return web.Response(text=text, content_type="application/json")

        return answer

    def vitals(self) -> dict[str, Any]:
        """`/api/1/vitals`."""
        house, car = self.house, self.house.car
        charging = car.amps > 0
        volts = [house.leg_volts if charging and leg < house.legs else 2.1 for leg in range(3)]
        split = house.wiring == "split"
        if charging and split:
            # As seen on split phases: both legs show the line voltage, the third half of it.
            volts = [car.volts, car.volts, car.volts / 2]
        amps = [car.amps if leg < (1 if split else car.phases) else 0.0 for leg in range(3)]
        if split:
            amps = [car.amps, car.amps, 0.0]
        connected = car.plugged if self.connected_override is None else self.connected_override
        vitals: dict[str, Any] = {
            "contactor_closed": charging,
            "vehicle_connected": connected,
            "session_s": 1200 if car.plugged else 0,
            "grid_v": car.volts,
            "grid_hz": 59.95,
            "vehicle_current_a": round(car.amps, 1),
            "currentA_a": round(amps[0], 1),
            "currentB_a": round(amps[1], 1),
            "currentC_a": round(amps[2], 1),
            "currentN_a": 0.0,
            "voltageA_v": volts[0],
            "voltageB_v": volts[1],
            "voltageC_v": volts[2],
            "relay_coil_v": 6.0,
            "pcba_temp_c": 27.4,
            "handle_temp_c": math.nan if self.bare_nan else 22.1,
            "mcu_temp_c": 33.9,
            "uptime_s": 831580,
            "input_thermopile_uv": -176,
            "prox_v": 0.0,
            "pilot_high_v": 11.9,
            "pilot_low_v": 11.8,
            "session_energy_wh": round(house.session_wh, 1),
            "config_status": 5,
            "evse_state": 11 if charging else (9 if car.plugged else 1),
            "current_alerts": ["nan is a word here"] if self.bare_nan else [],
        }
        if self.newer:
            del vitals["relay_coil_v"]
            vitals |= {"relay_k1_v": 11.9, "relay_k2_v": 11.9}
            vitals["evse_not_ready_reasons"] = [1] if car.plugged else [4, 8]
        return vitals

    def lifetime(self) -> dict[str, Any]:
        """`/api/1/lifetime`."""
        return {
            "contactor_cycles": 1482,
            "contactor_cycles_loaded": 4,
            "alert_count": 371,
            "thermal_foldbacks": 0,
            "avg_startup_temp": math.nan if self.bare_nan else 24.4,
            "charge_starts": 1482,
            "energy_wh": 8135433,
            "connector_cycles": 341,
            "uptime_s": 44105931,
            "charging_time_s": 2871600,
        }

    def version(self) -> dict[str, Any]:
        """`/api/1/version`."""
        version = {
            "firmware_version": "24.36.3+g8d2e3e6d",
            "part_number": "1529455-02-D",
            "serial_number": "PGT00000000000",
        }
        if self.newer:
            version |= {"git_branch": "HEAD", "web_service": "hermes-wc.example"}
        return version

    def wifi_status(self) -> dict[str, Any]:
        """`/api/1/wifi_status`."""
        return {
            "wifi_ssid": "aG9tZQ==",
            "wifi_signal_strength": 70,
            "wifi_rssi": -55,
            "wifi_snr": 36,
            "wifi_connected": True,
            "wifi_infra_ip": "192.0.2.10",
            "internet": True,
            "wifi_mac": "98:ED:5C:00:00:00",
        }


class FakeTwcManager(FakeServer):
    """TWCManager with one Gen 2 connector."""

    def __init__(self, house: House, *, port: int = 0) -> None:
        super().__init__(port)
        self.house = house
        self.heartbeat_age_s = 1
        self.twc_id = "26A5"

    def routes(self) -> list[web.RouteDef]:
        """The two paths."""
        return [web.get("/api/getSlaveTWCs", self._slaves), web.get("/api/getStatus", self._status)]

    async def _slaves(self, _request: web.Request) -> web.Response:
        car = self.house.car
        slave = {
            "carsCharging": int(car.charging),
            "currentVIN": car.vin if car.plugged else "",
            "lastVIN": car.vin,
            "lastAmpsOffered": float(car.request_amps),
            "reportedAmpsActual": round(car.amps, 2),
            "maxAmps": 80,
            "lastHeartbeat": self.heartbeat_age_s,
            "lifetimekWh": 4521,
            "chargerLoadInW": round(car.power_w),
            "state": (1 if car.charging else 3) if car.plugged else 0,
            "version": 2,
            "voltsPhaseA": round(car.volts),
            "voltsPhaseB": 0,
            "voltsPhaseC": 0,
        }
        total = {
            "carsCharging": int(car.charging),
            "reportedAmpsActual": slave["reportedAmpsActual"],
        }
        return web.json_response({self.twc_id: slave, "total": total})

    async def _status(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {"carsCharging": int(self.house.car.charging), "currentMode": "Green Energy"}
        )
