"""s6-notifyoncheck: becomes the daemon, while a child polls it and reports that it is ready."""

import getopt
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from standin_init.handover import become
from standin_init.layout import original_environment
from standin_init.requests import not_provided
from standin_init.words import split_words


@dataclass
class Plan:
    """Times in seconds, None for no limit; `tries` 0 means for ever."""

    program: list[str]
    check: list[str]
    descriptor: int
    detach: bool = False
    first_sleep: float = 0.01
    whole_limit: float | None = None
    check_limit: float | None = None
    pause: float = 1.0
    tries: int = 7


def read_plan(arguments: list[str]) -> Plan:
    """The options of s6-notifyoncheck 2.13."""
    try:
        options, program = getopt.getopt(arguments, "d3:s:T:t:w:n:c:")
    except getopt.GetoptError as error:
        not_provided(f"s6-notifyoncheck: {error}")
    given = dict(options)
    limits = {key: int(given[key]) / 1000 for key in ("-s", "-T", "-t", "-w") if key in given}
    check = split_words(given["-c"], "-c") if "-c" in given else ["./data/check"]
    return Plan(
        program=program,
        check=list(check),
        descriptor=int(given.get("-3") or Path("notification-fd").read_text()),
        detach="-d" in given,
        first_sleep=limits.get("-s", 0.01),
        whole_limit=limits.get("-T") or None,
        check_limit=limits.get("-t") or None,
        pause=limits.get("-w", 1.0),
        tries=int(given.get("-n", "7")),
    )


def main(arguments: list[str]) -> None:
    """Does not return in the daemon's process."""
    plan = read_plan(arguments)
    daemon = os.pidfd_open(os.getpid())
    poller = os.fork()
    if poller == 0:
        if plan.detach and os.fork():
            os._exit(0)
        poll(plan, daemon)
        os._exit(0)
    if plan.detach:
        os.waitpid(poller, 0)
    os.close(plan.descriptor)
    become("s6-notifyoncheck", plan.program, original_environment())


def poll(plan: Plan, daemon: int) -> None:
    """Run the check until it succeeds; gives up when the daemon is dead or all tries are used."""
    os.set_inheritable(plan.descriptor, False)
    deadline = time.monotonic() + plan.whole_limit if plan.whole_limit else None
    pause = plan.first_sleep
    tries = 0
    while not plan.tries or tries < plan.tries:
        if _ended(daemon, pause) or (deadline and time.monotonic() >= deadline):
            return
        if _answers(plan):
            os.write(plan.descriptor, b"\n")
            return
        pause = plan.pause
        tries += 1
    print("s6-notifyoncheck: fatal: the check never succeeded", file=sys.stderr)


def _ended(daemon: int, seconds: float) -> bool:
    return bool(select.select([daemon], [], [], seconds)[0])


def _answers(plan: Plan) -> bool:
    try:
        done = subprocess.run(
            plan.check, timeout=plan.check_limit, env=original_environment(), check=False
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
    return done.returncode == 0
