"""How evcc 0.313 sets up a station, step by step, and what it does with it afterwards."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .central_station import Station
from .wire import CallFailed, Payload, utc_text

MEASURANDS = (
    "Power.Active.Import",
    "Energy.Active.Import.Register",
    "Current.Import",
    "Voltage",
    "Current.Offered",
    "Power.Offered",
    "SoC",
)
CONNECTOR = 1  # a loadpoint of evcc is one connector


class SetUpFailed(Exception):
    """The charger could not be created; the text is evcc's."""


@dataclass(slots=True)
class Abilities:
    """What GetConfiguration told."""

    remote_trigger: bool = True  # believed until a list with Core lacks it
    stack_level: int = 0
    profile_id: int = 1
    watts: bool = False
    offered: bool = False  # a measurand tells what the box offers

    def learn(self, answer: Payload) -> None:
        """Read the keys evcc looks at."""
        for entry in answer.get("configurationKey") or []:
            value = entry.get("value") or ""
            match entry.get("key"):
                case "SupportedFeatureProfiles":
                    names = [name.strip() for name in value.split(",")]
                    if "Core" in names:
                        self.remote_trigger = "RemoteTrigger" in names
                case "ChargeProfileMaxStackLevel" if value.isdecimal():
                    self.stack_level = int(value)
                case "MaxChargingProfilesInstalled" if value.isdecimal():
                    self.profile_id = int(value)
                case "ChargingScheduleAllowedChargingRateUnit":
                    self.watts = value in ("Power", "W")


class Charger:
    """Drives one station from the moment the central system knows it."""

    def __init__(self, station: Station, remote_start: str | None = None) -> None:
        self._remote_tag = remote_start
        self.station, self.timing, self.events = station, station.timing, station.events
        self.abilities = Abilities()
        self.online = False
        self._again = asyncio.Event()  # a boot during operation: set up once more
        station.on_boot = self._booted
        self._setting_up_first = True

    def _booted(self) -> None:
        self.online = True
        if not self._setting_up_first:
            self._again.set()

    async def run(self) -> None:
        """Wait for the station, set it up and keep it running.

        Raises:
            SetUpFailed: the station did not come, or the first set-up broke.
        """
        await self._wait_for_boot()
        await self.set_up()
        self._setting_up_first = False
        self.station.set_up_done = True
        self.online = self.station.link is not None
        self._operational()
        async with asyncio.TaskGroup() as work:
            work.create_task(self._watch_connection())
            work.create_task(self._set_up_again())
            work.create_task(self._refresh_values())
            work.create_task(self._ask_schedule())
            if self._remote_tag is not None:
                work.create_task(self._start_remotely(self._remote_tag))

    def _operational(self) -> None:
        self.station.operational_at = asyncio.get_running_loop().time()
        self.events.add("operational", self.station.id)

    async def _wait_for_boot(self) -> None:
        station, timing = self.station, self.timing
        if not await station.until(lambda: station.link is not None, timing.connect_timeout):
            raise SetUpFailed("timeout: station not connected")
        clock = asyncio.get_running_loop().time
        end = clock() + timing.boot_timeout
        if await station.until(lambda: station.boot is not None, timing.boot_trigger):
            return
        await self._tolerate(self._trigger("BootNotification"))
        await station.until(lambda: station.boot is not None, max(0.0, end - clock()))

    async def set_up(self) -> None:
        """The complete sequence, one CALL after the other.

        Raises:
            SetUpFailed: no GetConfiguration answer, or no status.
        """
        station, timing = self.station, self.timing
        await self._tolerate(
            station.command("ChangeAvailability", {"connectorId": 0, "type": "Operative"})
        )
        try:
            self.abilities.learn(await station.command("GetConfiguration", {}))
        except CallFailed as failure:
            raise SetUpFailed(f"GetConfiguration: {failure}") from failure
        if station.boot is None and self.abilities.remote_trigger:
            await self._tolerate(self._trigger("BootNotification"))
            await station.until(lambda: station.boot is not None, timing.boot_timeout)
        await self._choose_measurands()
        await self._first_values()
        await self._configure("MeterValueSampleInterval", f"{timing.meter_interval:.0f}")
        await self._configure("WebSocketPingInterval", "30")
        await self._wait_for_status()

    async def _choose_measurands(self) -> None:
        taken = [name for name in MEASURANDS if await self._configure_samples(name)]
        if taken:
            await self._configure_samples(",".join(taken))
        self.abilities.offered = any("Offered" in name for name in taken)

    async def _configure_samples(self, value: str) -> bool:
        return await self._configure("MeterValuesSampledData", value)

    async def _configure(self, key: str, value: str) -> bool:
        answer = await self._tolerate(
            self.station.command("ChangeConfiguration", {"key": key, "value": value})
        )
        return answer is not None and answer.get("status") in ("Accepted", "RebootRequired")

    async def _first_values(self) -> None:
        station = self.station
        if not self.abilities.remote_trigger:
            return
        before = station.meter_values
        if await self._tolerate(self._trigger("MeterValues")) is not None:
            await station.until(
                lambda: station.meter_values is not before, self.timing.meter_timeout
            )

    async def _wait_for_status(self) -> None:
        station, timing = self.station, self.timing

        def has_status() -> bool:
            return CONNECTOR in station.statuses

        if has_status():
            return
        clock = asyncio.get_running_loop().time
        end = clock() + timing.status_timeout
        if self.abilities.remote_trigger:
            await self._tolerate(self._trigger("StatusNotification"))
        if await station.until(has_status, timing.status_trigger):
            return
        await self._tolerate(self._trigger("StatusNotification"))
        if not await station.until(has_status, max(0.0, end - clock())):
            raise SetUpFailed("timeout: no status")

    async def _trigger(self, wanted: str, connector: int | None = None) -> Payload:
        payload: Payload = {"requestedMessage": wanted}
        if connector is not None:
            payload["connectorId"] = connector
        answer = await self.station.command("TriggerMessage", payload)
        if answer.get("status") != "Accepted":
            raise CallFailed("Rejected", f"TriggerMessage {wanted}: {answer.get('status')}")
        return answer

    async def _tolerate(self, command: Awaitable[Payload]) -> Payload | None:
        try:
            return await command
        except CallFailed:
            return None  # told as an event where it happened

    async def _watch_connection(self) -> None:
        station = self.station
        while True:
            await station.until(lambda: station.link is None, math.inf)
            self.online = False
            await station.until(lambda: station.link is not None, math.inf)
            # No boot is asked for: there is one. Until it comes again the charger is offline.
            await station.until(
                lambda: self.online or station.link is None, self.timing.online_after
            )
            self.online = station.link is not None
            if self.online:
                self.events.add("online", station.id)

    async def _set_up_again(self) -> None:
        while True:
            await self._again.wait()
            self._again.clear()
            self.events.add("reboot_detected", self.station.id)
            try:
                await self.set_up()
            except SetUpFailed as failure:
                self.events.add("set_up_failed", self.station.id, cause=str(failure))
            else:
                self._operational()

    async def _refresh_values(self) -> None:
        while True:
            await asyncio.sleep(self.timing.meter_tick)
            newest = self.station.newest_value
            limit = timedelta(seconds=self.timing.meter_interval)
            stale = newest is None or self.station.now() - newest > limit
            if stale and self.online and self.abilities.remote_trigger:
                await self._tolerate(self._trigger("MeterValues", CONNECTOR))

    async def _ask_schedule(self) -> None:
        request: dict[str, Any] = {"connectorId": CONNECTOR, "duration": 60}
        while True:
            await asyncio.sleep(self.timing.control_interval)
            if self.online and not self.abilities.offered:
                await self._tolerate(self.station.command("GetCompositeSchedule", dict(request)))

    async def _start_remotely(self, id_tag: str) -> None:
        """Start once whenever a car is plugged in, as evcc does with `remotestart`."""
        station = self.station

        def preparing() -> bool:
            status = station.statuses.get(CONNECTOR, {}).get("status")
            return self.online and status == "Preparing" and station.transaction_id is None

        while True:
            await station.until(preparing, math.inf)
            request = {"idTag": id_tag, "connectorId": CONNECTOR}
            await self._tolerate(station.command("RemoteStartTransaction", request))
            await station.until(lambda: not preparing(), math.inf)

    async def set_limit(self, amps: float, phases: int = 3) -> str:
        """Set the current per phase, 0 to pause; returns the status the station answers.

        Raises:
            CallFailed: also with `LinkLost` while the station counts as offline.
        """
        if not self.online:
            raise CallFailed("LinkLost", "the charger is offline")
        limit = amps * 230 * phases if self.abilities.watts else math.floor(amps * 10) / 10
        start = self.station.now() - timedelta(minutes=1)
        profile = {
            "chargingProfileId": self.abilities.profile_id,
            "stackLevel": self.abilities.stack_level,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "startSchedule": utc_text(start),
                "chargingRateUnit": "W" if self.abilities.watts else "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            },
        }
        request = {"connectorId": CONNECTOR, "csChargingProfiles": profile}
        answer = await self.station.command("SetChargingProfile", request)
        return str(answer.get("status"))
