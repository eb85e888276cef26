"""Messages a wallbox may not lose: they wait for a connection and are repeated (OCPP 1.6 §4.8)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .wire import CallFailed, Payload

if TYPE_CHECKING:
    from .wallbox import Wallbox


@dataclass(frozen=True, slots=True)
class _Letter:
    action: str
    payload: Callable[[], Payload]  # made when sent: a transaction's id may come meanwhile
    answer: asyncio.Future[Payload]


class Outbox:
    """A queue that survives the connection; strictly in order, repeated after each time-out."""

    def __init__(self, box: Wallbox) -> None:
        self._box = box
        self._letters: deque[_Letter] = deque()
        self._filled = asyncio.Event()

    def post(self, action: str, payload: Callable[[], Payload]) -> asyncio.Future[Payload]:
        """Queue a CALL; the future gives its answer, however much later."""
        letter = _Letter(action, payload, asyncio.get_running_loop().create_future())
        self._letters.append(letter)
        self._filled.set()
        return letter.answer

    async def work(self) -> None:
        """Send what waits, as long as the connection lasts."""
        await self._box.registered.wait()
        while True:
            await self._filled.wait()
            letter = self._letters[0]
            try:
                answer = await self._box.call(letter.action, letter.payload())
            except CallFailed as failure:
                if failure.code == "LinkLost":
                    return
                if failure.code == "Timeout":
                    continue
                self._done(letter)
                if not letter.answer.done():
                    letter.answer.set_exception(failure)
            else:
                self._done(letter)
                if not letter.answer.done():
                    letter.answer.set_result(answer)

    def _done(self, letter: _Letter) -> None:
        self._letters.remove(letter)
        if not self._letters:
            self._filled.clear()
