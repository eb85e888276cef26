"""A simulated Fronius inverter with Smart Meter: Solar API v1."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from .house import House
from .server import FakeServer


class FakeFronius(FakeServer):
    """Reports null, not 0, for the sun at night, as the real one does."""

    def __init__(self, house: House, *, port: int = 0) -> None:
        super().__init__(port)
        self.house = house
        self.error_code = 0
        self.has_meter = True

    def routes(self) -> list[web.RouteDef]:
        """The power flow."""
        return [web.get("/solar_api/v1/GetPowerFlowRealtimeData.fcgi", self._flow)]

    async def _flow(self, _request: web.Request) -> web.Response:
        house = self.house
        night = house.pv_w <= 0
        site: dict[str, Any] = {
            "Mode": "meter" if self.has_meter else "produce-only",
            "P_Grid": house.grid_w if self.has_meter else None,
            "P_Load": -house.load_w if self.has_meter else None,
            "P_Akku": house.battery_w or None,
            "P_PV": None if night else house.pv_w,
            "rel_Autonomy": 100,
            "rel_SelfConsumption": None if night else 50,
            "E_Day": None,
        }
        inverters = {"1": {"DT": 1, "P": 0 if night else house.pv_w, "SOC": house.battery_soc}}
        head = {
            "RequestArguments": {},
            "Status": {"Code": self.error_code, "Reason": "", "UserMessage": ""},
            "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(house.wall())),
        }
        data = {"Inverters": inverters, "Site": site, "Version": "12"}
        return web.json_response({"Body": {"Data": data}, "Head": head})
