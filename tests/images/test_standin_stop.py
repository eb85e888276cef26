"""The stand-in /init behaves as s6-overlay 3.2.3 was seen to: faults, failed starts and stops."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.images.conftest import Boot
from tests.images.s6_definitions import Definitions
from tests.stand.container import Container

RESULT = "/run/s6-linux-init-container-results/exitcode"
Fault = Callable[[Path], object]


def position(container: Container, text: str) -> int:
    lines = container.logs().splitlines()
    return next(number for number, line in enumerate(lines) if text in line)


FAULTS: dict[str, Fault] = {
    "unknown dependency": lambda root: (root / "second" / "dependencies.d" / "nobody").touch(),
    "unknown name in the bundle": lambda root: (root / "user" / "contents.d" / "nobody").touch(),
    "cycle": lambda root: (root / "first" / "dependencies.d" / "second").touch(),
    "no type": lambda root: (root / "first" / "type").unlink(),
    "type with a carriage return": lambda root: (root / "first" / "type").write_text("oneshot\r\n"),
    "no up": lambda root: (root / "first" / "up").unlink(),
    "no run": lambda root: (root / "second" / "run").unlink(),
    "reserved prefix": lambda root: (root / "first").rename(root / "s6rc-first"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_idles_without_services_when_the_definitions_are_faulty(
    boot: Boot, definitions: Definitions, fault: Fault
) -> None:
    definitions.oneshot("first", "echo first ran")
    definitions.longrun("second", "echo second ran; exec sleep 1000", after=("first",))
    fault(definitions.root)
    container = boot()
    log = container.wait_for_log("s6-rc-compile: fatal: ")
    assert len(log.splitlines()) == 1
    assert container.running()
    assert container.stop(10) == 0
    assert " ran" not in container.logs()


def test_ends_with_one_when_a_oneshot_fails_and_starts_all_else(
    boot: Boot, definitions: Definitions
) -> None:
    definitions.oneshot("broken", f"echo 42 > {RESULT}; exit 3")
    definitions.oneshot("dependent", "echo dependent ran", after=("broken",))
    definitions.oneshot("other", "sleep 1; echo other ran", down="echo other undone")
    container = boot()
    assert container.wait(20) == 1
    log = container.logs()
    assert "s6-rc: warning: unable to start service broken: command exited 3\n" in log
    assert "rc.init: fatal: stopping the container.\n" in log
    assert "other ran" in log
    assert "other undone" in log
    assert "dependent" not in log


def test_ends_a_oneshot_that_passes_its_timeout_up(boot: Boot, definitions: Definitions) -> None:
    slow = "trap 'echo was asked to end; exit' TERM; sleep 1000 & wait"
    definitions.oneshot("slow", slow, timeout_up="300")
    container = boot(S6_KILL_GRACETIME="500")
    assert container.wait(20) == 1
    assert "unable to start service slow: command exited 111\n" in container.logs()
    assert "was asked to end" in container.logs()


def test_gives_up_a_daemon_that_is_not_ready_in_time(boot: Boot, definitions: Definitions) -> None:
    definitions.longrun("slow", "exec sleep 1000", notification_fd="3", timeout_up="300")
    container = boot()
    assert container.wait(20) == 1
    assert "unable to start service slow: command exited 99\n" in container.logs()


def test_gives_up_a_daemon_whose_finish_says_125_before_it_is_ready(
    boot: Boot, definitions: Definitions
) -> None:
    definitions.longrun("vital", "exit 1", finish="exit 125", notification_fd="3")
    container = boot()
    assert container.wait(20) == 1
    assert "unable to start service vital: command exited 1\n" in container.logs()


def test_awaits_a_daemon_that_dies_before_it_is_ready(boot: Boot, definitions: Definitions) -> None:
    run = "test -e /tmp/seen || { touch /tmp/seen; exit 1; }; echo >&3; exec sleep 1000"
    definitions.longrun("nervous", run, notification_fd="3")
    boot().wait_for_log("service nervous successfully started")


def test_stops_in_the_reverse_order_of_dependencies(boot: Boot, definitions: Definitions) -> None:
    definitions.oneshot("folders", "true", down="echo folders undone")
    definitions.longrun(
        "database",
        "trap 'sleep 0.3; echo database saved; exit 0' INT; sleep 1000 & wait",
        finish='echo "database finished $1 $2 wanted $(s6-svstat -o wantedup .)"',
        after=("folders",),
        down_signal="SIGINT\n",
    )
    definitions.longrun("web", "exec sleep 1000", after=("database",))
    container = boot()
    container.wait_for_log("service web successfully started")
    assert container.stop(10) == 0
    order = [
        "service web: stopping",
        "service web successfully stopped",
        "service database: stopping",
        "database saved",
        "database finished 0 0 wanted false",
        "service database successfully stopped",
        "service folders: stopping",
        "folders undone",
        "service folders successfully stopped",
    ]
    positions = [position(container, text) for text in order]
    assert positions == sorted(positions)


def test_signals_the_main_process_alone(boot: Boot, definitions: Definitions) -> None:
    child = "bash -c 'trap \"echo child was signalled\" TERM; sleep 1.5' &"
    definitions.longrun("daemon", f"{child} exec sleep 1000", finish="sleep 0.5; echo finished")
    container = boot()
    container.wait_for_log("successfully started")
    container.stop(10)
    assert "child was signalled" not in container.logs().partition("finished")[0]


def test_kills_a_deaf_daemon_after_its_timeout_kill(boot: Boot, definitions: Definitions) -> None:
    definitions.longrun(
        "deaf", "trap '' TERM; echo >&3; while true; do sleep 1; done",
        finish='echo "finish $1 $2"', notification_fd="3", timeout_kill="300",
    )  # fmt: skip
    container = boot()
    container.wait_for_log("service deaf successfully started")
    assert container.stop(20) == 0
    assert "finish 256 9\n" in container.logs()
    assert "service deaf successfully stopped" in container.logs()


def test_leaves_dependencies_up_when_a_stop_times_out(boot: Boot, definitions: Definitions) -> None:
    definitions.longrun("base-service", "exec sleep 1000")
    definitions.longrun(
        "deaf", "trap '' TERM; echo >&3; while true; do sleep 1; done",
        after=("base-service",), notification_fd="3", timeout_down="300",
    )  # fmt: skip
    container = boot()
    container.wait_for_log("service deaf successfully started")
    assert container.stop(20) == 0
    log = container.logs()
    assert "s6-rc: warning: unable to stop service deaf: command exited 99\n" in log
    assert "service base-service: stopping" not in log


def test_a_deaf_daemon_without_timeout_kill_holds_the_stop_until_137(
    boot: Boot, definitions: Definitions
) -> None:
    run = "trap '' TERM; echo >&3; while true; do sleep 1; done"
    definitions.longrun("deaf", run, notification_fd="3")
    container = boot()
    container.wait_for_log("service deaf successfully started")
    assert container.stop(2) == 137


def test_lets_the_start_end_before_it_stops(boot: Boot, definitions: Definitions) -> None:
    definitions.oneshot("slow", "sleep 2; echo slow is done")
    definitions.oneshot("after", "echo after ran", after=("slow",))
    container = boot()
    container.wait_for_log("service slow: starting")
    assert container.stop(10) == 0
    assert position(container, "after ran") < position(container, "service slow: stopping")


def test_a_second_request_changes_nothing(boot: Boot, definitions: Definitions) -> None:
    definitions.longrun("daemon", "exec sleep 1000", finish="sleep 1")
    container = boot()
    container.wait_for_log("successfully started")
    container.send("TERM")
    container.wait_for_log("service daemon: stopping")
    container.send("INT")
    assert container.wait(20) == 0
    assert container.logs().count("service daemon: stopping") == 1


def test_waits_the_last_grace_in_full_after_telling_all_that_is_left(
    boot: Boot, definitions: Definitions
) -> None:
    left = "(trap 'echo told to end' TERM; while true; do sleep 0.1; done) & exit 0"
    definitions.oneshot("leaves-something", left)
    container = boot(S6_KILL_GRACETIME="")
    container.wait_for_log("successfully started")
    before = time.monotonic()
    assert container.stop(20) == 0
    assert time.monotonic() - before >= 3
    assert "told to end" in container.logs()


def test_halt_returns_at_once_and_the_result_file_decides_the_exit_code(
    boot: Boot, definitions: Definitions
) -> None:
    definitions.longrun(
        "vital",
        "sleep 0.5; exit 23",
        finish=f"echo $1 > {RESULT}; /run/s6/basedir/bin/halt; echo halt gave $?; exit 125",
    )
    definitions.longrun("other", "exec sleep 1000")
    container = boot()
    assert container.wait(20) == 23
    assert "halt gave 0" in container.logs()
    assert re.search("service other successfully stopped", container.logs())


@pytest.mark.parametrize(
    ("signal", "code"), [("INT", 111), ("USR1", 111), ("PWR", 111), ("USR2", 0)]
)
def test_other_signals_stop_with_their_own_code(
    boot: Boot, definitions: Definitions, signal: str, code: int
) -> None:
    definitions.longrun("daemon", f"echo 5 > {RESULT}; echo ready; exec sleep 1000")
    container = boot()
    container.wait_for_log("ready")
    container.send(signal)
    assert container.wait(20) == code
    assert "service daemon successfully stopped" in container.logs()


def test_ignores_hangup_quit_and_window_changes(boot: Boot, definitions: Definitions) -> None:
    definitions.longrun("daemon", "exec sleep 1000")
    container = boot()
    container.wait_for_log("successfully started")
    for signal in ("HUP", "QUIT", "WINCH"):
        container.send(signal)
    assert container.execute("true").returncode == 0
    assert container.stop(10) == 0
