"""Driver `tesla_control`: Tesla's own program as a subprocess, one at a time.

It needs CAP_NET_ADMIN and a Bluetooth adapter of its own (teslamotors/vehicle-command,
cmd/tesla-control); two runs at once fail, hence the lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from .adapters import choose, present
from .command_link import VCSEC_COMMANDS, Answer, CommandLink
from .keys import KeyFileError, load_public_pem
from .link import Result, ResultClass
from .results import Command, classify, without_log_lines

RUN_WITHIN_S = 30.0
"""Scan, dial and handshake take up to 20 s, the command 5 s; beyond that the program hangs."""
_MAX_TEXT = 400
_DEFAULT_ADAPTER = "hci0"


@dataclass(frozen=True, slots=True)
class Program:
    """How tesla-control is called."""

    vin: str
    key_file: Path
    session_cache: Path
    path: str = "tesla-control"
    adapter: str = ""
    """`hci1`; empty: the program's own default, hci0."""

    @property
    def public_key_file(self) -> Path:
        """Written beside the key for a pairing request, which wants a file."""
        return self.key_file.with_name(self.key_file.name + ".pub")

    def argv(self, command: Command, args: tuple[str, ...]) -> list[str]:
        """The call as a list; flags stand before the command, with one dash."""
        flags = ["-ble", "-vin", self.vin, "-key-file", str(self.key_file)]
        flags += ["-session-cache", str(self.session_cache)]
        if self.adapter:
            flags += ["-bt-adapter", self.adapter]
        flags += ["-domain", "vcsec" if command in VCSEC_COMMANDS else "infotainment"]
        return [self.path, *flags, command.value, *args]


class TeslaControlLink(CommandLink):
    """Runs `tesla-control` for each command; what goes wrong with it is told by the Result."""

    def __init__(
        self,
        program: Program,
        *,
        run_within_s: float = RUN_WITHIN_S,
        adapters: Callable[[], tuple[str, ...]] = present,
    ) -> None:
        super().__init__()
        self._program = program
        self._wanted_adapter = program.adapter
        self._adapters = adapters
        self._run_within_s = run_within_s
        self._lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """The option's word."""
        return "tesla_control"

    @property
    def public_key_argument(self) -> str:
        """The file `pair` writes."""
        return str(self._program.public_key_file)

    async def pair(self) -> Result:
        """Send the key request; the public half of our key is written beside it for that."""
        try:
            pem = await asyncio.to_thread(load_public_pem, self._program.key_file)
            await asyncio.to_thread(self._program.public_key_file.write_text, pem, "ascii")
        except (KeyFileError, OSError) as error:
            return Result(ResultClass.CONFIG, str(error))
        return await super().pair()

    async def call(self, command: Command, *args: str) -> Answer:
        """Run the program once; a session the car no longer accepts is dropped and tried again."""
        async with self._lock:
            answer = await self._run(command, args)
            if answer.result_class is ResultClass.ADAPTER:
                self._look_for_adapter()
            if answer.result_class is ResultClass.SESSION and self._forget_sessions():
                again = await self._run(command, args)
                return Answer(
                    again.result_class,
                    again.text,
                    again.output,
                    answer.duration_s + again.duration_s,
                )
            return answer

    def _look_for_adapter(self) -> None:
        """Found again under another name it serves the next call."""
        adapter = choose(self._wanted_adapter, self._adapters(), _DEFAULT_ADAPTER)
        self._program = replace(self._program, adapter=adapter)

    def _forget_sessions(self) -> bool:
        try:
            self._program.session_cache.unlink()
        except OSError:
            return False
        return True

    async def _run(self, command: Command, args: tuple[str, ...]) -> Answer:
        begun = time.monotonic()
        argv = self._program.argv(command, args)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            told = f"{self._program.path} cannot be run: {error.strerror or error}"
            denied = isinstance(error, PermissionError)
            return Answer(ResultClass.PERMISSION if denied else ResultClass.CONFIG, told)
        try:
            async with asyncio.timeout(self._run_within_s):
                out, err = await process.communicate()
        except TimeoutError:
            told = f"tesla-control did not end within {self._run_within_s:.0f} s"
            return Answer(ResultClass.TIMEOUT, told, "", time.monotonic() - begun)
        finally:
            await _end(process)
        output = out.decode("utf-8", "replace")
        errors = without_log_lines(err.decode("utf-8", "replace")).strip()
        result_class = classify(command, errors, process.returncode)
        return Answer(result_class, errors[:_MAX_TEXT], output, time.monotonic() - begun)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave no program behind that still holds the adapter, whatever ended the wait."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())
