"""What the drivers share that speak tesla-control's commands, by subprocess or through a relay."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..json_values import UnreadableAnswerError
from ..measurements import BodyState, SleepStatus
from .charge_state import parse_body_output, parse_charge_output
from .link import Result, ResultClass
from .results import Command

VCSEC_COMMANDS = (Command.WAKE, Command.READ_BODY, Command.PAIR)
"""Answered by the body controller, which never sleeps; all others need infotainment awake."""

AWAKE_WITHIN_S = 30.0
"""A car in deep sleep says AWAKE about 9 s after a wake; half a minute is given."""
AWAKE_POLL_S = 2.0
PAIR_ROLE = "charging_manager"
PAIR_FORM = "cloud_key"


@dataclass(frozen=True, slots=True)
class Answer:
    """One finished call: its class, the words for people, and standard output."""

    result_class: ResultClass
    text: str = ""
    output: str = ""
    duration_s: float = 0.0

    def result(self) -> Result:
        """The answer as a Result without data."""
        return Result(self.result_class, self.text, self.duration_s)


class CommandLink(ABC):
    """A VehicleLink in terms of one call: command word, arguments, answer."""

    proves_home = True
    wakes_by_itself = False

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep

    @property
    @abstractmethod
    def name(self) -> str:
        """The option's word."""

    @property
    @abstractmethod
    def public_key_argument(self) -> str:
        """The file of the public key, where the far side looks for it."""

    @abstractmethod
    async def call(self, command: Command, *args: str) -> Answer:
        """Carry out one command and say what became of it."""

    async def set_amps(self, amps: int) -> Result:
        """Ask for `amps` per phase, 0…80."""
        return await self._command(Command.SET_AMPS, str(amps))

    async def start(self) -> Result:
        """Start charging."""
        return await self._command(Command.START)

    async def stop(self) -> Result:
        """Stop charging."""
        return await self._command(Command.STOP)

    async def set_limit(self, percent: int) -> Result:
        """Set the charge limit, 50…100 %."""
        return await self._command(Command.SET_LIMIT, str(percent))

    async def ping(self) -> Result:
        """Say hello with the key: the proof that it is paired."""
        return await self._command(Command.PING)

    async def pair(self) -> Result:
        """Send the key request. Success means "sent": a tap of the key card and `ping` decide."""
        answer = await self.call(Command.PAIR, self.public_key_argument, PAIR_ROLE, PAIR_FORM)
        if answer.result_class is ResultClass.OK:
            return Result(ResultClass.OK_PENDING, answer.output.strip(), answer.duration_s)
        return answer.result()

    async def read_charge(self) -> Result:
        """Read the charge state of an awake car."""
        answer = await self.call(Command.READ_CHARGE, "charge")
        if answer.result_class is not ResultClass.OK:
            return await self._asleep_or(answer)
        try:
            state = parse_charge_output(answer.output)
        except UnreadableAnswerError as error:
            return Result(ResultClass.OTHER, f"charge state: {error}", answer.duration_s)
        return Result(ResultClass.OK, answer.text, answer.duration_s, state)

    async def read_body(self) -> Result:
        """Ask the body controller, which does not wake the car."""
        answer = await self.call(Command.READ_BODY)
        if answer.result_class is not ResultClass.OK:
            return answer.result()
        try:
            body = parse_body_output(answer.output)
        except UnreadableAnswerError as error:
            return Result(ResultClass.OTHER, f"body controller: {error}", answer.duration_s)
        return Result(ResultClass.OK, answer.text, answer.duration_s, body)

    async def wake(self) -> Result:
        """Wake the car and wait up to 30 s until the body controller says AWAKE."""
        begun = self._clock()
        answer = await self.call(Command.WAKE)
        if answer.result_class is not ResultClass.OK:
            return answer.result()
        while True:
            body = await self.read_body()
            spent = self._clock() - begun
            if isinstance(body.data, BodyState) and body.data.sleep is not SleepStatus.ASLEEP:
                return Result(ResultClass.OK, answer.text, spent, body.data)
            if body.result_class is ResultClass.CONFIG:
                # A relay that does not pass this question on: the wake itself was taken.
                return Result(ResultClass.OK, answer.text, spent)
            if spent >= AWAKE_WITHIN_S:
                told = "the car took the wake and did not say AWAKE within 30 s"
                return Result(ResultClass.TIMEOUT, told, spent)
            await self._sleep(AWAKE_POLL_S)

    async def close(self) -> None:  # noqa: B027 - a whole answer, not one to be filled in
        """Nothing is held between calls."""

    async def _command(self, command: Command, *args: str) -> Result:
        return await self._asleep_or(await self.call(command, *args))

    async def _asleep_or(self, answer: Answer) -> Result:
        """Asleep or out of range: tesla-control cannot tell, the body controller can."""
        if answer.result_class is not ResultClass.UNREACHABLE or not _may_be_asleep(answer.text):
            return answer.result()
        body = await self.read_body()
        spent = answer.duration_s + body.duration_s
        if isinstance(body.data, BodyState) and body.data.sleep is SleepStatus.ASLEEP:
            return Result(ResultClass.ASLEEP, "the car is asleep", spent, body.data)
        return Result(ResultClass.UNREACHABLE, answer.text, spent)


def _may_be_asleep(error_text: str) -> bool:
    return "context deadline exceeded" in error_text.lower()
