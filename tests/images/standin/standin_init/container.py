"""PID 1 of a container: start the services, wait for a request to end, stop them, exit."""

import asyncio
import os
import signal
from collections.abc import Mapping

from standin_init import layout
from standin_init.children import Children
from standin_init.definitions import Oneshot, Service, read_definitions
from standin_init.errors import CompileError, NotProvided
from standin_init.log import Log
from standin_init.longrun import Supervised
from standin_init.oneshot import Script
from standin_init.order import Order, Startable

NOT_PROVIDED = 70
NOT_PID_1 = 100
# Exit code that goes with each signal; None: the number in the result file.
ENDING_SIGNALS: dict[signal.Signals, int | None] = {
    signal.SIGTERM: None,
    signal.SIGINT: 111,
    signal.SIGUSR1: 111,
    signal.SIGPWR: 111,
    signal.SIGUSR2: 0,
}
STAGE2 = "/run/s6/basedir/scripts/rc.init"


class Container:
    """One run of the container, from the first service to the exit code."""

    def __init__(self, environment: Mapping[bytes, bytes]) -> None:
        self._log = Log(_number(environment, b"S6_VERBOSITY", 2))
        self._grace = _number(environment, b"S6_KILL_GRACETIME", 3000) / 1000
        self._path = layout.search_path(environment.get(b"PATH", b"").decode())
        self._environment = environment
        self._children = Children()
        self._ending: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def run(self) -> int:
        """The container's exit code."""
        layout.prepare_run(self._environment, self._path)
        os.environ["PATH"] = self._path
        self._listen()
        order = await self._start()
        code = await self._ending
        if order is not None:
            await order.stop()
            order.order_down()
        await self._end_all_processes()
        return layout.result() if code is None else code

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._children.reap)
        self._children.reap()  # what ended before anybody listened
        for number, code in ENDING_SIGNALS.items():
            loop.add_signal_handler(number, self._end, code)
        # Opened for both directions, so that it never reads as closed.
        requests = os.open(layout.REQUESTS, os.O_RDWR | os.O_NONBLOCK)
        loop.add_reader(requests, self._read_requests, requests)

    def _end(self, code: int | None) -> None:
        if not self._ending.done():
            self._ending.set_result(code)

    def _read_requests(self, requests: int) -> None:
        if b"not-provided" in os.read(requests, 4096):
            os._exit(NOT_PROVIDED)
        self._end(None)

    async def _start(self) -> Order | None:
        """Start everything; what fails asks for the end of the container by itself."""
        try:
            definitions = read_definitions(layout.DEFINITIONS)
        except CompileError as fault:
            # The real one stays up with no service at all; only a health check notices.
            self._log.line(f"s6-rc-compile: fatal: {fault}")
            return None
        services = {name: self._service(each) for name, each in definitions.items()}
        order = Order(definitions, services, self._log)
        if not await order.start():
            self._log.line(f"{STAGE2}: warning: s6-rc failed to properly bring all services up!")
            self._log.line(f"{STAGE2}: fatal: stopping the container.")
            layout.RESULT.write_text("1")
            self._end(None)
        return order

    def _service(self, definition: Service) -> Startable:
        environment = {"PATH": self._path}
        if isinstance(definition, Oneshot):
            return Script(definition, layout.ONESHOTS, environment, self._children, self._log)
        return Supervised(definition, layout.LIVE, environment, self._children, self._log)

    async def _end_all_processes(self) -> None:
        _signal_all(signal.SIGTERM)
        _signal_all(signal.SIGCONT)
        await asyncio.sleep(self._grace)
        _signal_all(signal.SIGKILL)


def _signal_all(number: signal.Signals) -> None:
    try:
        os.kill(-1, number)
    except ProcessLookupError:
        return


def _number(environment: Mapping[bytes, bytes], name: bytes, absent: int) -> int:
    text = environment.get(name, b"").decode()
    return int(text) if text.isdigit() else absent


async def _contain(environment: Mapping[bytes, bytes]) -> int:
    return await Container(environment).run()


def main(arguments: list[str]) -> int:
    """Entry point of /init; `arguments` are what follows its name."""
    if os.getpid() != 1:
        Log.line("s6-overlay-suexec: fatal: can only run as pid 1")
        return NOT_PID_1
    os.umask(0o022)
    os.chdir("/")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    environment = layout.original_environment()
    try:
        layout.check_provided(environment, arguments)
        return asyncio.run(_contain(environment))
    except NotProvided as what:
        Log.line(f"stand-in /init: fatal: not provided: {what}")
        return NOT_PROVIDED
