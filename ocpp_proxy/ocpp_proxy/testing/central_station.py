"""What the central system knows of one station, and how it answers the station's CALLs."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from .calls import CallLine
from .central_answers import CallError, Unanswered, check_call, check_frame
from .central_link import Link
from .central_timing import Timing
from .events import EventLog
from .wire import CALL, CallFailed, Message, Payload, decode, encode_error, encode_result, utc_text

ACCEPTED = {"idTagInfo": {"status": "Accepted"}}


class Station:
    """One station since the central system started: all of it is forgotten at a restart."""

    def __init__(
        self,
        station_id: str,
        events: EventLog,
        timing: Timing,
        now: Callable[[], datetime],
        randomness: random.Random,
        features: frozenset[str],
        next_transaction: Callable[[], int],
    ) -> None:
        self.id, self.events, self.timing, self.now = station_id, events, timing, now
        self._random, self._features = randomness, features
        self._next_transaction = next_transaction
        self.known = False
        self.set_up_done = False
        self.link: Link | None = None
        self.line: CallLine | None = None
        self.boot: Payload | None = None
        self.statuses: dict[int, Payload] = {}
        self.meter_values: Payload | None = None
        self.newest_value: datetime | None = None
        self.transaction_id: int | None = None
        self.accepted_at: float | None = None  # event loop time of the first Accepted boot
        self.operational_at: float | None = None
        self.changed = asyncio.Event()  # set at each happening, for those who wait for one
        self.on_boot: Callable[[], None] = lambda: None

    def attach(self, link: Link) -> None:
        """A connection of this station is open."""
        self.link = link
        self.line = CallLine(
            lambda _action, text: link.send(text),
            lambda: str(self._random.getrandbits(32)),
            self.timing.command_timeout,
        )
        self.changed.set()

    def detach(self) -> None:
        """The connection is gone; open commands fail."""
        if self.line is not None:
            self.line.end()
        self.link = self.line = None
        self.changed.set()

    async def until(self, true: Callable[[], bool], within: float) -> bool:
        """Wait until it is true; False when it was not in so many seconds."""
        try:
            async with asyncio.timeout(within):
                while not true():
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            return False
        return True

    async def command(self, action: str, payload: Payload) -> Payload:
        """Send one CALL in its turn and return the answer.

        Raises:
            CallFailed: CALLERROR, `Timeout` or `LinkLost`.
        """
        if self.line is None:
            raise CallFailed("LinkLost")
        self.events.add("command", self.id, action=action, payload=payload)
        try:
            answer = await self.line.call(action, payload)
        except CallFailed as failure:
            self.events.add("command_failed", self.id, action=action, code=failure.code)
            raise
        self.events.add("command_answered", self.id, action=action, answer=answer)
        return answer

    def received(self, data: bytes) -> None:
        """Take one message of the station; whatever is wrong with it, the connection stays."""
        try:
            message = self._read(data)
            if message.kind != CALL:
                if self.line is None or not self.line.settle(message):
                    self.events.add("stray_answer", self.id, message_id=message.id)
                return
            check_call(message.id, message.action, message.payload, self._features)
        except Unanswered as fault:
            self.events.add("unanswered", self.id, cause=str(fault), data=data)
        except CallError as fault:
            self.events.add("refused_call", self.id, code=fault.code, cause=fault.description)
            self._send(encode_error(fault.id, fault.code, fault.description))
        else:
            result = encode_result(message.id, self._answer(message.action, message.payload))
            if message.action == "BootNotification" and self.timing.boot_answer_delay:
                later = asyncio.get_running_loop().call_later
                later(self.timing.boot_answer_delay, self._send, result)
            else:
                self._send(result)
            self.changed.set()

    def _read(self, data: bytes) -> Message:
        text = data.decode("utf-8", "replace")
        try:
            parts = json.loads(text)
        except (ValueError, RecursionError):
            raise Unanswered("no JSON") from None
        check_frame(parts)
        message = decode(text)
        if message is None:
            raise Unanswered("no OCPP-J message")
        if message.payload is None:
            message.payload = {}
        return message

    def _send(self, text: str) -> None:
        if self.link is not None:
            self.link.send(text)

    def _answer(self, action: str, payload: Payload) -> Payload:
        match action:
            case "BootNotification":
                return self._booted(payload)
            case "Authorize":
                self.events.add("authorize", self.id, id_tag=payload["idTag"])
                return ACCEPTED
            case "StartTransaction":
                return self._started(payload)
            case "StopTransaction":
                self.transaction_id = None
                self.events.add("stop_transaction", self.id, **payload)
                return ACCEPTED
            case "StatusNotification":
                self._status(payload)
            case "MeterValues":
                self._metered(payload)
            case "Heartbeat":
                self.events.add("heartbeat", self.id)
                return {"currentTime": utc_text(self.now())}
            case "DataTransfer":
                self.events.add("data_transfer", self.id, **payload)
                return {"status": "Accepted"}
            case "SignCertificate":
                return {"status": "Rejected"}
            case _:
                self.events.add("notification", self.id, action=action, payload=payload)
        return {}

    def _booted(self, payload: Payload) -> Payload:
        status = "Accepted" if self.known else "Pending"
        self.events.add("boot", self.id, status=status, payload=payload)
        if self.known:
            self.boot = payload
            self.accepted_at = self.accepted_at or asyncio.get_running_loop().time()
            self.on_boot()
        return {
            "status": status,
            "currentTime": utc_text(self.now()),
            "interval": self.timing.boot_interval,
        }

    def _started(self, payload: Payload) -> Payload:
        number = self._next_transaction() if self.set_up_done else 0
        if number:
            self.transaction_id = number
        self.events.add("start_transaction", self.id, id=number, **payload)
        return {**ACCEPTED, "transactionId": number}

    def _status(self, payload: Payload) -> None:
        connector = payload["connectorId"]
        if connector in self.statuses and self._is_old(payload.get("timestamp")):
            self.events.add("status_ignored", self.id, connector=connector)
            return
        self.statuses[connector] = payload
        self.events.add(
            "status",
            self.id,
            connector=connector,
            status=payload["status"],
            error=payload["errorCode"],
        )

    def _is_old(self, stamp: str | None) -> bool:
        if stamp is None:
            return False
        return self.now() - _moment(stamp) > timedelta(seconds=self.timing.status_age)

    def _metered(self, payload: Payload) -> None:
        self.meter_values = payload
        self.newest_value = max(_moments(payload), default=self.now())
        self.events.add("meter_values", self.id, payload=payload)


def _moments(payload: Payload) -> list[datetime]:
    texts: list[Any] = [value["timestamp"] for value in payload["meterValue"]]
    return [_moment(text) for text in texts]


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
