"""Driver `python_ble`: Bluetooth in this process, by the package tesla-fleet-api over BlueZ.

The adapter is shared with other programs, because BlueZ owns it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..json_values import UnreadableAnswerError
from ..measurements import BodyState, SleepStatus
from .adapters import choose, present
from .charge_state import parse_body_state, parse_charge_state
from .keys import KeyFileError, load_key
from .link import Result, ResultClass
from .python_ble_errors import bus_broke, classify_answer, classify_error, explained, not_reached
from .python_ble_stack import DriverUnavailableError, Stack, TeslaFleetApi, Vehicle
from .results import Command

__all__ = ["DriverUnavailableError", "PythonBleLink"]

REACH_WITHIN_S = 40.0
"""Scan and up to three attempts to connect."""
ASK_AGAIN_WITHIN_S = 10.0
"""To ask the body controller what a silence means; a car that has gone costs no more."""
ANSWER_WITHIN_S = 45.0
"""An awake car whose infotainment still boots is given 20 s by the package."""
WAKE_WITHIN_S = 30.0
PAIR_WITHIN_S = 120.0
DISCONNECT_WITHIN_S = 5.0

_MUTATING = (Command.SET_AMPS, Command.START, Command.STOP, Command.SET_LIMIT)


class PythonBleLink:
    """A VehicleLink over the package. The link is opened when needed and left by `close`."""

    proves_home = True
    wakes_by_itself = False

    def __init__(
        self,
        vin: str,
        key_file: Path,
        adapter: str = "",
        *,
        stack: Stack | None = None,
        reach_within_s: float = REACH_WITHIN_S,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        """Raises DriverUnavailableError where the package is not installed."""
        self._vin = vin
        self._key_file = key_file
        self._adapter = adapter
        self._stack: Stack = stack or TeslaFleetApi()
        self._reach_within_s = reach_within_s
        self._answer_within_s = answer_within_s
        self._vehicle: Vehicle | None = None
        self._public: Any = None
        self._lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """The option's word."""
        return "python_ble"

    async def set_amps(self, amps: int) -> Result:
        """Ask for `amps` per phase, 0…80."""
        return await self._send(Command.SET_AMPS, lambda car: car.set_charging_amps(amps))

    async def start(self) -> Result:
        """Start charging."""
        return await self._send(Command.START, lambda car: car.charge_start())

    async def stop(self) -> Result:
        """Stop charging."""
        return await self._send(Command.STOP, lambda car: car.charge_stop())

    async def set_limit(self, percent: int) -> Result:
        """Set the charge limit, 50…100 %."""
        return await self._send(Command.SET_LIMIT, lambda car: car.set_charge_limit(percent))

    async def ping(self) -> Result:
        """Say hello with the key: the proof that it is paired."""
        return await self._send(Command.PING, lambda car: car.ping())

    async def wake(self) -> Result:
        """Wake the car; OK when infotainment answers or, as that may boot on, VCSEC says AWAKE."""
        result = await self._send(
            Command.WAKE, lambda car: car.wake_up(wait=True, timeout=WAKE_WITHIN_S)
        )
        doubtful = (ResultClass.UNREACHABLE, ResultClass.UNKNOWN_RESULT)
        if result.result_class not in doubtful or self._vehicle is None:
            return result
        body = await self.read_body()
        spent = result.duration_s + body.duration_s
        if isinstance(body.data, BodyState) and body.data.sleep is SleepStatus.AWAKE:
            return Result(ResultClass.OK, "awake, its infotainment still starts", spent, body.data)
        if body.ok:
            return Result(ResultClass.TIMEOUT, "the car did not wake within 30 s", spent, body.data)
        return Result(result.result_class, result.text, spent)

    async def read_body(self) -> Result:
        """Ask the body controller, which does not wake the car."""
        return await self._ask_body(self._reach_within_s)

    async def read_charge(self) -> Result:
        """Read the charge state of an awake car."""
        return await self._asleep_or(
            await self._read(
                Command.READ_CHARGE,
                lambda car: car.charge_state(),
                lambda message: parse_charge_state(self._stack.as_dict(message)),
            )
        )

    async def pair(self) -> Result:
        """Ask for the role charging manager and wait two minutes for the tap of the key card."""

        async def ask(car: Vehicle) -> dict[str, Any]:
            await car.pair(role=self._stack.charging_manager, timeout=PAIR_WITHIN_S)
            return {"response": {"result": True, "reason": "paired"}}

        result = await self._exchange(
            Command.PAIR, ask, _answered(Command.PAIR), PAIR_WITHIN_S + self._answer_within_s
        )
        if result.result_class is ResultClass.UNREACHABLE and self._vehicle is not None:
            told_s = f"nobody confirmed with the key card ({result.text})"
            return Result(ResultClass.TIMEOUT, told_s, result.duration_s)
        return result

    async def close(self) -> None:
        """Leave the car, so that it can sleep and phones can connect."""
        async with self._lock:
            vehicle = self._vehicle
            await self._leave()
            # Its signed sessions stay good; the device does not, BlueZ forgets it in half a minute.
            if vehicle is not None:
                vehicle.device = None
                self._vehicle = vehicle

    async def _send(
        self, command: Command, call: Callable[[Vehicle], Awaitable[dict[str, Any]]]
    ) -> Result:
        result = await self._exchange(command, call, _answered(command), self._answer_within_s)
        return await self._asleep_or(result) if command is not Command.WAKE else result

    async def _ask_body(self, reach_within_s: float) -> Result:
        return await self._read(
            Command.READ_BODY,
            lambda car: car.vehicle_state(),
            lambda message: parse_body_state(self._stack.as_dict(message)),
            reach_within_s,
        )

    async def _read(
        self,
        command: Command,
        call: Callable[[Vehicle], Awaitable[Any]],
        parse: Callable[[Any], Any],
        reach_within_s: float | None = None,
    ) -> Result:
        def finish(message: Any, spent: float) -> Result:
            try:
                return Result(ResultClass.OK, "", spent, parse(message))
            except UnreadableAnswerError as error:
                return Result(ResultClass.OTHER, f"{command.value}: {error}", spent)

        return await self._exchange(command, call, finish, self._answer_within_s, reach_within_s)

    async def _asleep_or(self, result: Result) -> Result:
        """Without an answer the car is asleep or gone; the body controller knows.

        A session of an hour ago is still good, so the first command to a sleeping car goes out
        without a handshake. Infotainment that sleeps cannot have carried it out.
        """
        doubtful = (ResultClass.UNREACHABLE, ResultClass.UNKNOWN_RESULT)
        if result.result_class not in doubtful or self._vehicle is None:
            return result
        body = await self._ask_body(min(self._reach_within_s, ASK_AGAIN_WITHIN_S))
        spent = result.duration_s + body.duration_s
        if isinstance(body.data, BodyState) and body.data.sleep is SleepStatus.ASLEEP:
            return Result(ResultClass.ASLEEP, "the car is asleep", spent, body.data)
        if not body.ok:
            # A link that carries nothing may be dead without anybody having noticed.
            async with self._lock:
                await self._leave()
        return Result(result.result_class, result.text, spent)

    async def _exchange(
        self,
        command: Command,
        call: Callable[[Vehicle], Awaitable[Any]],
        finish: Callable[[Any, float], Result],
        within_s: float,
        reach_within_s: float | None = None,
    ) -> Result:
        async with self._lock:
            begun = time.monotonic()
            car, failure = await self._reach(command, reach_within_s or self._reach_within_s)
            if car is None:
                return Result(failure.result_class, failure.text, time.monotonic() - begun)
            try:
                async with asyncio.timeout(within_s):
                    answer = await call(car)
            except TimeoutError:
                await self._leave()
                lost = ResultClass.TIMEOUT if command in _MUTATING else ResultClass.UNREACHABLE
                told_s = f"no answer within {within_s:.0f} s"
                return Result(lost, told_s, time.monotonic() - begun)
            except self._stack.base_error as error:
                if type(error).__name__ == "BluetoothTransportError":
                    await self._leave()
                return self._failed(command, error, begun)
            except Exception as error:  # noqa: BLE001 - whatever the radio stack lets through
                await self._leave()
                return self._broken(command, error, begun)
            return finish(answer, time.monotonic() - begun)

    async def _reach(self, command: Command, within_s: float) -> tuple[Vehicle | None, Result]:
        """The connected car, or why there is none. Nothing has been sent when this fails."""
        begun = time.monotonic()
        try:
            key = await asyncio.to_thread(load_key, self._key_file)
        except KeyFileError as error:
            return None, Result(ResultClass.CONFIG, str(error))
        try:
            async with asyncio.timeout(within_s):
                return await self._connected(key), Result(ResultClass.OK)
        except TimeoutError:
            heard = self._vehicle is not None and self._vehicle.device is not None
            await self._leave()
            told_s = not_reached(f"{within_s:.0f} s", heard=heard)
            return None, Result(ResultClass.UNREACHABLE, told_s)
        except self._stack.base_error as error:
            await self._leave()
            return None, self._failed(command, error, begun)
        except Exception as error:  # noqa: BLE001 - whatever the radio stack lets through
            await self._leave()
            return None, self._failed(command, error, begun)

    async def _connected(self, key: Any) -> Vehicle:
        public = key.public_key().public_numbers()
        if public != self._public:
            await self._leave()
        if self._vehicle is None:
            self._vehicle, self._public = self._stack.vehicle(self._vin, key), public
        if self._vehicle.device is None:
            adapter = choose(self._adapter, present())
            await self._vehicle.find_vehicle(scanner=self._stack.scanner(adapter))
        await self._vehicle.connect_if_needed()
        return self._vehicle

    async def _leave(self) -> None:
        """Disconnect and forget the device: its path dies when an adapter comes and goes."""
        vehicle, self._vehicle = self._vehicle, None
        if vehicle is None:
            return
        try:
            async with asyncio.timeout(DISCONNECT_WITHIN_S):
                await vehicle.disconnect()
        except self._stack.base_error:
            return
        except Exception:  # noqa: BLE001 - leaving a broken link; the next one is opened afresh
            return

    def _broken(self, command: Command, error: Exception, begun: float) -> Result:
        """As `_failed`, under way: what changes the car may have been written before it broke."""
        result = self._failed(command, error, begun)
        unforeseen = result.result_class is ResultClass.OTHER or bus_broke(error)
        if command in _MUTATING and unforeseen:
            return replace(result, result_class=ResultClass.UNKNOWN_RESULT)
        return result

    def _failed(self, command: Command, error: BaseException, begun: float) -> Result:
        found = classify_error(command, error)
        # The radio stack names a car by its whole identification number.
        text = explained(found, error).replace(self._vin, "the car")
        return Result(found, text, time.monotonic() - begun)


def _answered(command: Command) -> Callable[[Any, float], Result]:
    def finish(answer: Any, spent: float) -> Result:
        result_class, text = classify_answer(command, answer)
        return Result(result_class, text, spent)

    return finish
