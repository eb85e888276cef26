"""Fronius Solar API v1: power flow of the whole site.

Form: Fronius' public documentation of the Solar API v1 (unverified on hardware).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..http_client import Limits
from ..json_values import JsonObject, UnreadableAnswerError, as_object, load_object, number, objects
from ..measurements import Reading
from .readings import Readings, SourceError, Stamps, power, reading
from .web import base_url, get, plain_session

PATH = "/solar_api/v1/GetPowerFlowRealtimeData.fcgi"
_LIMITS = Limits(connect_s=3.0, read_s=8.0, total_s=15.0, max_bytes=256 * 1024)


def parse_power_flow(data: bytes, now: float, source: str, stamps: Stamps) -> Readings:
    """Read a power flow. `P_PV` is null at night, which is 0 W as long as the site reports.

    Raises UnreadableAnswerError where the inverter reports an error or no grid power.
    """
    answer = load_object(data)
    head = as_object(answer.get("Head"), "Head")
    status = as_object(head.get("Status"), "Head.Status")
    if number(status.get("Code")) != 0:
        reason = str(status.get("Reason") or "no reason given")[:120]
        raise UnreadableAnswerError(f"the inverter reports error {status.get('Code')}: {reason}")
    body = as_object(as_object(answer.get("Body"), "Body").get("Data"), "Body.Data")
    site = as_object(body.get("Site"), "Site")
    grid = power(number(site.get("P_Grid")))
    if grid is None:
        raise UnreadableAnswerError(
            "P_Grid is missing: is a Smart Meter fitted at the grid's edge?"
        )
    load = power(number(site.get("P_Load")))
    at = stamps.measured_at("site", head.get("Timestamp"), now)
    return Readings(
        grid_w=Reading(grid, at, source),
        production_w=reading(_production(site), at, source),
        load_w=reading(None if load is None else -load, at, source),
        house_battery_w=reading(power(number(site.get("P_Akku"))), at, source),
        house_battery_soc=reading(_soc(body), at, source),
    )


def _production(site: JsonObject) -> float | None:
    if "P_PV" in site and site["P_PV"] is None:
        return 0.0
    return power(number(site.get("P_PV")))


def _soc(body: JsonObject) -> float | None:
    inverters = body.get("Inverters")
    rows = objects(list(inverters.values())) if isinstance(inverters, dict) else []
    known = [soc for row in rows if (soc := number(row.get("SOC"))) is not None and 0 <= soc <= 100]
    return known[0] if known else None


class FroniusSource:
    """A Pollable over one inverter or Datamanager."""

    def __init__(
        self, host: str, *, clock: Callable[[], float] = time.monotonic, limits: Limits = _LIMITS
    ) -> None:
        self._url = base_url(host) + PATH
        self._clock = clock
        self._limits = limits
        self._session = plain_session()
        self._stamps = Stamps()

    @property
    def name(self) -> str:
        """The word people see."""
        return "fronius"

    async def poll(self) -> Readings:
        """Read once.

        Raises SourceError.
        """
        body = await get(self._session, self._url, self._limits, "Fronius inverter")
        try:
            return parse_power_flow(body, self._clock(), self.name, self._stamps)
        except UnreadableAnswerError as error:
            raise SourceError(f"Fronius inverter: {error}") from error
