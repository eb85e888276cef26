"""A oneshot: its `up` line run once at the start, its `down` line at the stop."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

from standin_init.children import KILLED, Children
from standin_init.definitions import Oneshot
from standin_init.errors import ServiceFailure
from standin_init.log import Log

TOO_LATE = 111
NOT_FOUND = 127
NOT_EXECUTABLE = 126


class Script:
    """Runs the lines of one definition in `directory`."""

    def __init__(
        self,
        definition: Oneshot,
        directory: Path,
        environment: Mapping[str, str],
        children: Children,
        log: Log,
    ) -> None:
        self.definition = definition
        self._directory = directory
        self._environment = {**environment, "RC_NAME": definition.name}
        self._children = children
        self._log = log

    async def start(self) -> None:
        await self._run(self.definition.up, self.definition.timeout_up)

    async def stop(self) -> None:
        await self._run(self.definition.down, self.definition.timeout_down)

    def order_down(self) -> None:
        """Nothing: a oneshot has no process between start and stop."""

    async def _run(self, words: tuple[str, ...], limit: float | None) -> None:
        if not words:
            return
        try:
            child = self._children.spawn(
                words, directory=self._directory, environment=self._environment
            )
        except OSError as error:
            self._log.line(f"s6-rc-oneshot-run: fatal: unable to exec {words[0]}: {error.strerror}")
            missing = isinstance(error, FileNotFoundError)
            raise ServiceFailure(NOT_FOUND if missing else NOT_EXECUTABLE) from None
        try:
            async with asyncio.timeout(limit):
                death = await asyncio.shield(child.death)
        except TimeoutError:
            child.send(signal.SIGTERM)
            raise ServiceFailure(TOO_LATE) from None
        code = 128 + death.signal if death.code == KILLED else death.code
        if code:
            raise ServiceFailure(code)
