"""Driver `simulated`: the simulator's car and radio, in whatever time the caller's clock tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ..command import Command, Kind
from .link import Result

if TYPE_CHECKING:
    from ..simulator.radio import Radio


class SimulatedLink:
    """A VehicleLink over a `Radio`; `second` is the second of the simulated day, 0…86399."""

    proves_home = True
    wakes_by_itself = False

    def __init__(
        self,
        radio: Radio,
        second: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`sleep` takes simulated seconds."""
        self._radio = radio
        self._second = second
        self._sleep = sleep
        self._lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """The option's word."""
        return "simulated"

    async def set_amps(self, amps: int) -> Result:
        """Ask for `amps` per phase, 0…80."""
        return await self._ask(Command(Kind.SET_AMPS, amps))

    async def start(self) -> Result:
        """Start charging."""
        return await self._ask(Command(Kind.START))

    async def stop(self) -> Result:
        """Stop charging."""
        return await self._ask(Command(Kind.STOP))

    async def set_limit(self, percent: int) -> Result:
        """Set the charge limit, 50…100 %."""
        return await self._ask(Command(Kind.SET_LIMIT, percent))

    async def wake(self) -> Result:
        """Wake the car."""
        return await self._ask(Command(Kind.WAKE))

    async def read_body(self) -> Result:
        """Ask the body controller."""
        return await self._ask(Command(Kind.READ_BODY))

    async def read_charge(self) -> Result:
        """Read the charge state."""
        return await self._ask(Command(Kind.READ_CHARGE))

    async def ping(self) -> Result:
        """Say hello."""
        return await self._ask(Command(Kind.PING))

    async def pair(self) -> Result:
        """A simulated car takes every key."""
        return await self._ask(Command(Kind.PAIR))

    async def close(self) -> None:
        """Nothing is held between calls."""

    async def _ask(self, command: Command) -> Result:
        async with self._lock:
            begun = self._second()
            radio = self._radio
            radio.send(command, begun)
            try:
                while True:
                    done = radio.finish(self._second())
                    if done is not None:
                        break
                    await self._sleep(max(0.2, radio.done_at - self._second()))
            finally:
                # A cancelled call must not keep the radio busy for the next one.
                radio.command = None
            result = done[1]
            spent = float(self._second() - begun)
            return Result(result.result_class, result.text, spent, result.data)
