"""The CALLs one side has open: one at a time and in order, or all at once (OCPP-J 1.6 §4.1.1)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from .wire import CALLERROR, CallFailed, Message, Payload, encode_call


class CallLine:
    """Sends CALLs over one connection and pairs their answers by id."""

    def __init__(
        self,
        send: Callable[[str, str], None],  # action, text
        new_id: Callable[[], Any],
        timeout: float,
        one_at_a_time: bool = True,
    ) -> None:
        self._send = send
        self._new_id = new_id
        self._timeout = timeout
        self._turn: AbstractAsyncContextManager[Any] = (
            asyncio.Lock() if one_at_a_time else nullcontext()
        )
        self._open: dict[str, asyncio.Future[Payload]] = {}
        self._ended = False

    async def call(self, action: str, payload: Payload) -> Payload:
        """Send when it is this CALL's turn and return the answer's payload.

        Raises:
            CallFailed: with the CALLERROR's code, `Timeout` or `LinkLost`.
        """
        async with self._turn:
            if self._ended:
                raise CallFailed("LinkLost")
            message_id = self._new_id()
            key = json.dumps(message_id)
            answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
            self._open[key] = answer
            try:
                self._send(action, encode_call(message_id, action, payload))
                async with asyncio.timeout(self._timeout):
                    return await answer
            except TimeoutError:
                raise CallFailed("Timeout", f"no answer to {action}") from None
            finally:
                self._open.pop(key, None)

    def settle(self, message: Message) -> bool:
        """Take an answer; False when no CALL with its id is open (any more)."""
        answer = self._open.get(json.dumps(message.id))
        if answer is None or answer.done():
            return False
        if message.kind == CALLERROR:
            answer.set_exception(CallFailed(message.code, message.description))
        else:
            answer.set_result(message.payload or {})
        return True

    def end(self) -> None:
        """The connection is gone: whatever is open or waits for its turn fails."""
        self._ended = True
        for answer in self._open.values():
            if not answer.done():
                answer.set_exception(CallFailed("LinkLost"))
