"""One supervised daemon: run, finish, one second, run again, until its stop is ordered."""

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from standin_init.children import KILLED, Child, Children, Death
from standin_init.definitions import Longrun
from standin_init.errors import ServiceFailure
from standin_init.log import Log

RESTART_PAUSE = 1.0
SPAWN_PAUSE = 60.0
DO_NOT_RESTART = 125  # exit code of `finish`
NOT_READY_IN_TIME = NOT_DOWN_IN_TIME = 99
GAVE_UP = 1


class Supervised:
    """A longrun in its own writable copy of the definition, below `live`."""

    def __init__(
        self,
        definition: Longrun,
        live: Path,
        environment: Mapping[str, str],
        children: Children,
        log: Log,
    ) -> None:
        self.definition = definition
        self.directory = live / definition.name
        self._environment = environment
        self._children = children
        self._log = log
        self._main: Child | None = None
        self._unwanted = asyncio.Event()
        self._ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._notice: int | None = None

    async def start(self) -> None:
        """Returns when the service is up (ready, if it has a notification-fd)."""
        self._copy_definition()
        self._write_status()
        self._task = asyncio.create_task(self._supervise())
        try:
            async with asyncio.timeout(self.definition.timeout_up):
                ready = await asyncio.shield(self._ready)
        except TimeoutError:
            raise ServiceFailure(NOT_READY_IN_TIME) from None
        if not ready:
            raise ServiceFailure(GAVE_UP)

    async def stop(self) -> None:
        """Orders the stop and returns when the daemon and its `finish` have ended."""
        self.order_down()
        if self._main is not None:
            self._main.send(self.definition.down_signal)
            self._main.send(signal.SIGCONT)
            self._kill_later(self._main)
        try:
            async with asyncio.timeout(self.definition.timeout_down):
                if self._task is not None:
                    await asyncio.shield(self._task)
        except TimeoutError:
            raise ServiceFailure(NOT_DOWN_IN_TIME) from None

    def order_down(self) -> None:
        """From now on the service is not started again; sends nothing."""
        self._unwanted.set()
        if self._task is not None:
            self._write_status()

    def _copy_definition(self) -> None:
        self.directory.mkdir(parents=True)
        for name in ("run", "finish", "notification-fd"):
            source = self.definition.directory / name
            if source.is_file():
                shutil.copyfile(source, self.directory / name)
                (self.directory / name).chmod(0o755)
        for name in ("data", "env"):
            if (self.definition.directory / name).is_dir():
                shutil.copytree(self.definition.directory / name, self.directory / name)
        (self.directory / "supervise").mkdir()

    def _write_status(self) -> None:
        fields = {
            "wantedup": not self._unwanted.is_set(),
            "up": self._main is not None,
            "ready": self._ready.done() and self._main is not None,
            "pid": self._main.pid if self._main else -1,
        }
        text = "".join(f"{name} {str(value).lower()}\n" for name, value in fields.items())
        fresh = self.directory / "supervise" / "status.new"
        fresh.write_text(text)
        fresh.replace(self.directory / "supervise" / "status")

    async def _supervise(self) -> None:
        try:
            while not self._unwanted.is_set():
                try:
                    death, group = await self._live()
                except OSError as error:
                    self._say(f"unable to spawn ./run (waiting 60 seconds): {error.strerror}")
                    await self._pause(SPAWN_PAUSE)
                    continue
                if await self._finish(death, group) == DO_NOT_RESTART:
                    self._unwanted.set()
                    self._write_status()
                await self._pause(RESTART_PAUSE)
        finally:
            if not self._ready.done():
                self._ready.set_result(False)

    async def _live(self) -> tuple[Death, int]:
        """One life of the daemon, from exec to death; also its process group."""
        notify = self._open_notice()
        try:
            child = self._children.spawn(
                ["./run", self.definition.name],
                directory=self.directory,
                environment=self._environment,
                own_session=True,
                notify=notify,
            )
        except OSError:
            self._close_notice()
            raise
        finally:
            if notify is not None:
                os.close(notify[0])
        self._main = child
        if notify is None and not self._ready.done():
            self._ready.set_result(True)
        self._write_status()
        death = await child.death
        self._read_notice()
        self._close_notice()
        self._main = None
        self._write_status()
        return death, child.pid

    def _open_notice(self) -> tuple[int, int] | None:
        if self.definition.notification_fd is None:
            return None
        self._notice, writer = os.pipe()
        os.set_blocking(self._notice, False)
        asyncio.get_running_loop().add_reader(self._notice, self._read_notice)
        return writer, self.definition.notification_fd

    def _read_notice(self) -> None:
        if self._notice is None:
            return
        try:
            data = os.read(self._notice, 4096)
        except BlockingIOError:
            return
        if b"\n" in data and not self._ready.done():
            self._ready.set_result(True)
            self._write_status()
        if b"\n" in data or not data:
            self._close_notice()

    def _close_notice(self) -> None:
        if self._notice is not None:
            asyncio.get_running_loop().remove_reader(self._notice)
            os.close(self._notice)
            self._notice = None

    async def _finish(self, death: Death, group: int) -> int:
        if not (self.directory / "finish").is_file():
            return 0
        argv = ["./finish", str(death.code), str(death.signal), self.definition.name, str(group)]
        try:
            child = self._children.spawn(
                argv, directory=self.directory, environment=self._environment, own_session=True
            )
        except OSError as error:
            self._say(f"unable to spawn ./finish: {error.strerror}")
            return 0
        try:
            async with asyncio.timeout(self.definition.timeout_finish):
                end = await asyncio.shield(child.death)
        except TimeoutError:
            self._say("finish script takes too long, killing it")
            child.send(signal.SIGKILL)
            end = await child.death
        return 0 if end.code == KILLED else end.code

    def _kill_later(self, child: Child) -> None:
        if self.definition.timeout_kill is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(self.definition.timeout_kill, child.send, signal.SIGKILL)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._unwanted.wait()
        except TimeoutError:
            return

    def _say(self, text: str) -> None:
        self._log.line(f"s6-supervise {self.definition.name}: warning: {text}")
