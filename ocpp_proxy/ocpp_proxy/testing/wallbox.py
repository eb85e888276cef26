"""A wallbox speaking OCPP 1.6-J over a real socket, with car, meter and switchable quirks."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from .events import EventLog
from .wallbox_commands import Refusal, Reply, obey
from .wallbox_link import WallboxLink
from .wallbox_online import OnlineBox
from .wallbox_outbox import Outbox
from .wallbox_power import Connector, Profiles, Transaction
from .wallbox_quirks import PLAIN, Quirks
from .wallbox_settings import Settings
from .wallbox_voice import bend_samples
from .wire import CallFailed, Message, Payload, encode_error, encode_result


def utc_now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


class Wallbox(OnlineBox):
    """One simulated wallbox; an asynchronous context manager that connects and reconnects.

    Every happening goes to `events`: connected, disconnected (code, reason), refused (status),
    unreachable, call_sent, call_answered, call_failed, command, ignored, status, profile,
    configured, transaction_started, transaction_stopped.
    """

    def __init__(
        self,
        station_id: str,
        url: str,
        quirks: Quirks = PLAIN,
        *,
        events: EventLog | None = None,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(station_id, url, quirks, events, tls)
        self.now = now
        self.settings = Settings(quirks)
        self.profiles = Profiles(quirks.watts_per_amp, quirks.ignores_zero_limit)
        self.connectors = {n: Connector(n) for n in range(1, quirks.connectors + 1)}
        self.local_list_version = 0
        self._outbox = Outbox(self)
        self._started_up = False

    def _duties(self, link: WallboxLink) -> Iterator[Coroutine[Any, Any, None]]:
        yield self._start_up()
        yield self._outbox.work()
        yield self._pinging(link)
        if not self.quirks.silent:
            yield self._heartbeats()
            if self.quirks.firmware_status_every is not None:
                yield self._firmware_statuses(self.quirks.firmware_status_every)
        if self.quirks.closes_when_idle is not None:
            yield self._leave_when_idle(link, self.quirks.closes_when_idle)

    def _background(self) -> Iterator[Coroutine[Any, Any, None]]:
        if not self.quirks.silent:
            yield self._metering()

    async def _start_up(self) -> None:
        first, self._started_up = not self._started_up, True
        if first or self.quirks.boot_on_reconnect or not self.registered.is_set():
            self.registered.clear()
            if first and self.quirks.boots_twice:
                self._spawn(self.send_boot())
            await self._register()
        if first or self.quirks.status_on_reconnect:
            await self.send_statuses(None)

    async def _register(self) -> None:
        while not self.registered.is_set():
            try:
                pause = await self.send_boot()
            except CallFailed as failure:
                if failure.code == "LinkLost":
                    raise
                pause = 10.0
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self.registered.wait()

    async def send_boot(self) -> float:
        """One BootNotification; returns the seconds the answer names as interval."""
        answer = await self.call("BootNotification", dict(self.quirks.boot))
        interval = int(answer.get("interval") or 60)
        if answer.get("status") == "Accepted":
            self.settings.values["HeartbeatInterval"] = str(interval)
            self.registered.set()
        elif self.quirks.ignores_pending:
            self.registered.set()
        return float(interval)

    async def _heartbeats(self) -> None:
        await self.registered.wait()
        while True:
            every = self.quirks.heartbeat_every or self.settings.number("HeartbeatInterval")
            await asyncio.sleep(every or 60)
            with suppress(CallFailed):
                await self.send_heartbeat()

    async def send_heartbeat(self) -> None:
        """One Heartbeat."""
        await self.call("Heartbeat", {})

    async def _metering(self) -> None:
        clock = asyncio.get_running_loop().time
        await self.registered.wait()
        sent = clock()
        while True:
            await asyncio.sleep(1)
            for connector in self.connectors.values():
                connector.count_energy(clock())
            interval = self.settings.number("MeterValueSampleInterval")
            if not interval or clock() - sent < interval:
                continue
            sent = clock()
            for connector in self.connectors.values():
                if connector.transaction is not None:
                    self._spawn(self.send_meter_values(connector.number), lasting=True)

    async def _firmware_statuses(self, every: float) -> None:
        await self.registered.wait()
        while True:
            await asyncio.sleep(every)
            with suppress(CallFailed):
                await self.notify("FirmwareStatusNotification")

    async def notify(self, action: str) -> None:
        """A FirmwareStatusNotification or DiagnosticsStatusNotification: Idle."""
        await self.call(action, {"status": "Idle"})

    async def _pinging(self, link: WallboxLink) -> None:
        last = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(0.5)
            wanted = self.settings.number("WebSocketPingInterval") or self.quirks.pings_every
            if wanted and asyncio.get_running_loop().time() - last >= wanted:
                last = asyncio.get_running_loop().time()
                link.ping()

    async def _leave_when_idle(self, link: WallboxLink, patience: float) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            left = link.last_heard + patience - clock()
            if left <= 0:
                break
            await asyncio.sleep(left)
        link.close(1001, "no traffic")

    def stamp(self) -> str:
        """The time now, as this box writes it."""
        return self.quirks.stamp(self.now())

    async def send_statuses(self, number: int | None) -> None:
        """StatusNotification of one connector, or of all with None; 0 is the whole station."""
        numbers = (0, *self.connectors) if number is None else (number,)
        for n in numbers:
            connector = self.connectors.get(n)
            status = connector.status if connector else "Available"
            error = connector.error_code if connector else "NoError"
            await self.call(
                "StatusNotification",
                {"connectorId": n, "errorCode": error, "status": status, "timestamp": self.stamp()},
            )

    async def send_meter_values(
        self, number: int | None = None, context: str = "Sample.Periodic"
    ) -> None:
        """MeterValues of one connector, or of all with None or 0."""
        for connector in self.connectors.values():
            if number in (None, 0, connector.number):
                payload = self._meter_values(connector, context)
                if self.link is None and self.quirks.keeps_history:
                    self._outbox.post("MeterValues", partial(dict, payload))
                else:
                    await self.call("MeterValues", payload)

    def _meter_values(self, connector: Connector, context: str) -> Payload:
        connector.count_energy(asyncio.get_running_loop().time())
        if self.quirks.phase_values_only:
            samples = connector.phase_samples()
        else:
            samples = connector.samples(self.settings.measurands(), context)
        value = {"timestamp": self.stamp(), "sampledValue": bend_samples(self.quirks, samples)}
        payload: Payload = {"connectorId": connector.number, "meterValue": [value]}
        running = connector.transaction
        if running is not None and running.id is not None:
            payload["transactionId"] = running.id
        return payload

    async def _command(self, message: Message) -> None:
        action = message.action
        self.events.add("command", self.id, action=action, payload=message.payload, id=message.id)
        if self.quirks.restarts_on_early_command and not self.registered.is_set():
            await self.power_cycle()
            return
        if action in self.quirks.ignores:
            self.events.add("ignored", self.id, action=action)
            return
        await asyncio.sleep(self.quirks.slow_answers.get(action, self.quirks.answer_delay))
        try:
            reply = obey(self, action, message.payload or {})
        except Refusal as refusal:
            reply = Reply({})
            text = encode_error(
                message.id, refusal.code, refusal.description, self.quirks.call_error_elements
            )
        else:
            text = encode_result(message.id, reply.payload)
        self._speak(action, text)
        if reply.then is not None:
            self._spawn(reply.then(), lasting=True)

    async def plug(self, number: int = 1) -> None:
        """Put the car's cable in; a waiting remote start begins to charge."""
        connector = self.connectors[number]
        connector.plugged, connector.finished = True, False
        await self.settle()
        if connector.remote_tag is not None and connector.transaction is None:
            await self.start_transaction(number, connector.remote_tag)

    async def unplug(self, number: int = 1) -> None:
        """Pull the cable; a running transaction ends."""
        connector = self.connectors[number]
        connector.plugged = False
        if connector.transaction is not None:
            await self.stop_transaction(number, "EVDisconnected")
        await self.settle()

    async def charge(self, number: int = 1, id_tag: str = "04A2B3C4") -> Transaction | None:
        """Plug in, show the card and charge; None when the card is not accepted."""
        if not self.connectors[number].plugged:
            await self.plug(number)
        if self.link is not None:  # offline it starts on its own authority
            answer = await self.call("Authorize", {"idTag": id_tag})
            if answer["idTagInfo"]["status"] != "Accepted":
                return None
        await self.start_transaction(number, id_tag)
        return self.connectors[number].transaction

    async def start_transaction(self, number: int, id_tag: str) -> None:
        """Begin to charge and report it, now or when online again."""
        connector = self.connectors[number]
        connector.count_energy(asyncio.get_running_loop().time())
        meter = round(connector.energy_wh)
        connector.transaction = running = Transaction(id_tag, self.now(), meter)
        connector.remote_tag, began = None, self.stamp()
        answer = await self._outbox.post(
            "StartTransaction",
            lambda: {
                "connectorId": number,
                "idTag": id_tag,
                "meterStart": meter,
                "timestamp": began,
            },
        )
        running.id = answer["transactionId"]
        self.events.add("transaction_started", self.id, connector=number, id=running.id)
        if answer["idTagInfo"]["status"] != "Accepted":
            await self.stop_transaction(number, "DeAuthorized")
        await self.settle()

    async def stop_transaction(self, number: int, reason: str = "Local") -> None:
        """End charging and report it, now or when online again."""
        connector = self.connectors[number]
        running = connector.transaction
        if running is None:
            return
        connector.count_energy(asyncio.get_running_loop().time())
        connector.transaction, connector.finished = None, connector.plugged
        meter, ended = round(connector.energy_wh), self.stamp()
        posted = self._outbox.post(
            "StopTransaction",
            lambda: {
                "transactionId": running.id or 0,
                "idTag": running.id_tag,
                "meterStop": meter,
                "timestamp": ended,
                "reason": reason,
            },
        )
        self.events.add("transaction_stopped", self.id, connector=number, id=running.id)
        await self.settle()
        await posted

    async def settle(self) -> None:
        """Apply limits and switches, and report each connector whose status they change."""
        clock = asyncio.get_running_loop().time()
        for connector in self.connectors.values():
            connector.count_energy(clock)
            connector.limit = self.profiles.limit(connector, self.now())
            status = connector.natural_status()
            if status == connector.status:
                continue
            connector.status = status
            self.events.add("status", self.id, connector=connector.number, status=status)
            if self.link is not None and self.registered.is_set():
                self._spawn(self.send_statuses(connector.number))
        await asyncio.sleep(0)  # so that the statuses are in line before what follows

    async def fault(self, code: str = "GroundFailure", number: int = 1) -> None:
        """Show a fault; `NoError` ends it."""
        self.connectors[number].error_code = code
        await self.settle()

    async def power_cycle(self) -> None:
        """Lose power and start again; running transactions end with PowerLoss."""
        self._started_up = False
        self.registered.clear()
        if self.link is not None:
            self.link.abort()
        self._again.set()
