"""A foreign dashboard with the paths of the original, and a foreign charger that posts to ours."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import ClientSession, web

from .house import House
from .server import FakeServer

MODES = ("SOLAR", "MANUAL")


class FakeDashboard(FakeServer):
    """`older` serves the two fields of the first version only, without ages."""

    def __init__(self, house: House, *, port: int = 0, older: bool = False) -> None:
        super().__init__(port)
        self.house = house
        self.older = older
        self.with_twc = True
        """The original served the wall connector on another port."""
        self.age_s = 2.0
        self.twc_age_s = 5.0
        self.mode = "SOLAR"
        self.takeover = False
        self.statuses: list[dict[str, Any]] = []
        self.api_key = ""

    def routes(self) -> list[web.RouteDef]:
        """The paths of the contract."""
        return [
            web.get("/api/envoy_data", self._envoy_data),
            web.get("/api/charging/config", self._config),
            web.post("/api/charging/mode", self._mode),
            web.post("/api/set_charger_status", self._status),
            web.get("/api/twc/vehicle_connected", self._connected),
            web.get("/api/twc/status", self._twc_status),
        ]

    async def _envoy_data(self, _request: web.Request) -> web.Response:
        house = self.house
        data: dict[str, Any] = {
            "production_watts": round(house.pv_w),
            "excess_watts": round(-house.grid_w),
        }
        if not self.older:
            data |= {
                "consumption_watts": round(house.load_w),
                "envoy_data_age_seconds": self.age_s,
                "voltage_v": house.car.volts,
                "source": "envoy",
                "stale": self.age_s > 90,
                "missing": [],
            }
        return web.json_response(data)

    async def _config(self, _request: web.Request) -> web.Response:
        return web.json_response({"mode": self.mode, "solar_takeover_requested": self.takeover})

    async def _mode(self, request: web.Request) -> web.Response:
        if self.api_key and request.headers.get("X-API-Key") != self.api_key:
            return web.json_response({"status": "error", "message": "Unauthorized"}, status=401)
        mode = str((await request.json()).get("mode", "")).upper()
        if mode not in MODES:
            return web.json_response({"status": "error", "message": "Invalid mode"}, status=400)
        self.mode = mode
        return web.json_response({"status": "success", "new_mode": mode})

    async def _status(self, request: web.Request) -> web.Response:
        self.statuses.append(await request.json())
        return web.json_response({"status": "success"})

    async def _connected(self, _request: web.Request) -> web.Response:
        if not self.with_twc:
            return web.Response(status=404)
        body = {"connected": self.house.car.plugged, "data_age_seconds": self.twc_age_s}
        return web.json_response(body)

    async def _twc_status(self, _request: web.Request) -> web.Response:
        if not self.with_twc:
            return web.Response(status=404)
        return web.json_response({"vehicle_current_a": round(self.house.car.amps, 1)})


class ForeignCharger:
    """The original's loop as seen from a dashboard: reads data and mode, posts its status."""

    def __init__(self, dashboard_url: str, session: ClientSession, *, api_key: str = "") -> None:
        self._url = dashboard_url.rstrip("/")
        self._session = session
        self._headers = {"X-API-Key": api_key} if api_key else {}
        self.amps = 24

    async def read(self) -> tuple[dict[str, Any], str]:
        """Meter data, and the mode; any error of the latter counts as SOLAR."""
        async with self._session.get(self._url + "/api/envoy_data") as reply:
            data = await reply.json()
        async with self._session.get(self._url + "/api/charging/config") as reply:
            mode = (await reply.json()).get("mode") if reply.ok else "SOLAR"
        return data, mode

    async def post(self) -> int:
        """Post a status record; the HTTP status of the answer."""
        record = {
            "mode": "SOLAR",
            "amps": self.amps,
            "target_amps": 26,
            "battery": 65,
            "battery_age_sec": 120,
            "excess_watts": 6200,
            "production_watts": 7100,
            "state": "Charging",
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "ble_fail_count": 0,
            "ble_backoff_remaining": 0,
            "ble_backoff_until": 0,
            "grid_charge_warning_amps": None,
        }
        url = self._url + "/api/set_charger_status"
        async with self._session.post(url, json=record, headers=self._headers) as reply:
            return reply.status
