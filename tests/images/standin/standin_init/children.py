"""Starts processes as s6 does and reaps them, together with every orphan of the container."""

import asyncio
import fcntl
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KILLED = 256  # what `finish` gets as exit code of a process that a signal ended
OUT_OF_THE_WAY = 100  # lowest number for a descriptor that must not be overwritten


@dataclass(frozen=True)
class Death:
    """How a process ended: exit code 0…255, or KILLED and the signal's number."""

    code: int
    signal: int


@dataclass
class Child:
    """A running process; `death` is set when it has been reaped."""

    pid: int
    death: "asyncio.Future[Death]" = field(default_factory=asyncio.Future)

    def send(self, number: int) -> None:
        if not self.death.done():
            os.kill(self.pid, number)


class Children:
    """All processes started here. `reap` is to be called at each SIGCHLD."""

    def __init__(self) -> None:
        self._running: dict[int, Child] = {}

    def spawn(
        self,
        argv: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        own_session: bool = False,
        notify: tuple[int, int] | None = None,
    ) -> Child:
        """Start `argv`; returns once the program runs, raises OSError if it cannot.

        `notify` gives an open descriptor and the number the program is to find it under.
        """
        answer, fault = os.pipe()
        pid = os.fork()
        if pid == 0:
            _become(argv, directory, environment, own_session, notify, fault)
        os.close(fault)
        with os.fdopen(answer) as pipe:
            number = pipe.read()
        child = self._running[pid] = Child(pid)
        if number:
            raise OSError(int(number), os.strerror(int(number)))
        return child

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if child := self._running.pop(pid, None):
                child.death.set_result(_death(status))


def _death(status: int) -> Death:
    if os.WIFSIGNALED(status):
        return Death(KILLED, os.WTERMSIG(status))
    return Death(os.WEXITSTATUS(status), 0)


def _become(
    argv: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    own_session: bool,
    notify: tuple[int, int] | None,
    fault: int,
) -> None:
    fault = fcntl.fcntl(fault, fcntl.F_DUPFD_CLOEXEC, OUT_OF_THE_WAY)
    try:
        signal.set_wakeup_fd(-1)
        # Python ignores these two, and what is ignored stays so in the new program.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.chdir(directory)
        if own_session:
            os.setsid()
        if notify is not None:
            os.dup2(*notify)
            os.set_inheritable(notify[1], True)
        os.execvpe(argv[0], list(argv), dict(environment))
    except OSError as error:
        os.write(fault, str(error.errno).encode())
    finally:
        os._exit(127)
