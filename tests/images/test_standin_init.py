"""The stand-in /init behaves as s6-overlay 3.2.3 was seen to: start, running and requests."""

import re

import pytest

from tests.images.conftest import INIT_TEST, Boot
from tests.images.s6_definitions import Definitions
from tests.stand import podman
from tests.stand.container import start_container
from tests.stand.waiting import wait_until

STARTED = "service last successfully started"


def test_refuses_to_run_as_another_process_than_the_first(boot: Boot) -> None:
    container = boot()
    done = container.execute("/init")
    assert done.returncode == 100
    assert "s6-overlay-suexec: fatal: can only run as pid 1" in done.stderr


def test_keeps_the_environment_in_files_and_the_result_at_zero(
    boot: Boot, definitions: Definitions
) -> None:
    definitions.oneshot("last", "true")
    container = boot(LINES="one\ntwo ")
    container.wait_for_log(STARTED)
    folder = "/run/s6/container_environment"
    read = container.execute("cat", f"{folder}/LINES", timeout=10)
    assert read.stdout == "one\ntwo "
    mode = container.execute("stat", "-c", "%a %U", f"{folder}/LINES")
    assert mode.stdout == "644 root\n"
    assert container.execute("cat", f"{folder}/PATH").stdout.startswith("/command:")
    results = "/run/s6-linux-init-container-results/exitcode"
    assert container.execute("cat", results).stdout == "0"


def test_reaps_orphans(boot: Boot) -> None:
    container = boot()
    container.execute("bash", "-c", "(sleep 0.2 & exec true) & wait")
    zombies = "grep -l '^State:.Z' /proc/[0-9]*/status"

    def all_reaped() -> bool:
        return container.execute("bash", "-c", f"sleep 0.3; {zombies}").stdout == ""

    wait_until(all_reaped, 30, "the end of every zombie")


@pytest.mark.parametrize("name", ["with-contenv", "s6-setuidgid", "s6-svstat", "s6-notifyoncheck"])
def test_offers_the_programs_in_both_places(boot: Boot, name: str) -> None:
    container = boot()
    test = f"test -x /usr/bin/{name} && test -x /command/{name}"
    assert container.execute("bash", "-c", test).returncode == 0


def test_starts_independent_services_at_the_same_time_and_dependents_after(
    boot: Boot, definitions: Definitions
) -> None:
    meet = "touch /tmp/{0}; until test -e /tmp/{1}; do sleep 0.05; done"
    definitions.oneshot("left", meet.format("left", "right"))
    definitions.oneshot("right", meet.format("right", "left"))
    definitions.oneshot("last", "test -e /tmp/left", after=("left", "right"))
    lines = boot().wait_for_log(STARTED).splitlines()
    for name in ("left", "right"):
        assert f"s6-rc: info: service {name}: starting" in lines
        started = lines.index(f"s6-rc: info: service {name} successfully started")
        assert started < lines.index("s6-rc: info: service last: starting")


def test_starts_what_no_bundle_names_but_another_service_needs(
    boot: Boot, definitions: Definitions
) -> None:
    definitions.oneshot("hidden", "true").oneshot("last", "true", after=("hidden",))
    (definitions.root / "user" / "contents.d" / "hidden").unlink()
    assert "service hidden successfully started" in boot().wait_for_log(STARTED)


def test_keeps_silent_about_starts_at_verbosity_one(boot: Boot, definitions: Definitions) -> None:
    definitions.oneshot("only", "echo the work is done")
    container = boot(S6_VERBOSITY="1")
    container.wait_for_log("the work is done")
    assert container.stop(10) == 0
    assert "s6-rc: info" not in container.logs()


def test_waits_for_the_newline_of_a_service_with_a_notification_fd(
    boot: Boot, definitions: Definitions
) -> None:
    run = "until test -e /tmp/go; do sleep 0.05; done; echo >&3; exec sleep 1000"
    definitions.longrun("slow", run, notification_fd="3")
    definitions.oneshot("last", "true", after=("slow",))
    container = boot()
    container.wait_for_log("service slow: starting")
    assert "service slow successfully" not in container.logs()
    container.execute("touch", "/tmp/go")
    container.wait_for_log(STARTED)


def test_runs_scripts_with_nothing_but_a_path(boot: Boot, definitions: Definitions) -> None:
    show = "echo \"$0 $*\"; tr '\\0' ' ' < /proc/$$/environ; echo; umask; readlink /proc/self/fd/0"
    definitions.oneshot("first", show)
    run = f"{show}; pwd; cat data/note; echo >&3; exec sleep 1000"
    definitions.longrun("daemon", run, after=("first",), notification_fd="3")
    (definitions.root / "daemon" / "data").mkdir()
    (definitions.root / "daemon" / "data" / "note").write_text("a note\n")
    definitions.oneshot("last", "true", after=("first", "daemon"))
    log = boot(SECRET="abc").wait_for_log(STARTED)
    assert "SECRET" not in log
    assert re.search(r"^PATH=/command:\S+ RC_NAME=first $", log, re.MULTILINE)
    assert re.search(r"^PATH=/command:\S+ $", log, re.MULTILINE)
    assert "./run daemon\n" in log
    assert log.count("0022\n/dev/null\n") == 2
    assert "/run/s6-rc/servicedirs/daemon\n" in log


def ignored_signals(log: str) -> set[int]:
    """Numbers in the line SigIgn; 32 and 33 belong to the C library, whoever started it all."""
    (bits,) = re.findall(r"^SigIgn:\t(\w+)$", log, re.MULTILINE)
    return {number for number in range(1, 65) if int(bits, 16) >> (number - 1) & 1} - {32, 33}


def test_gives_a_daemon_its_own_session_and_default_signals(
    boot: Boot, definitions: Definitions
) -> None:
    show = "read -r _ _ _ _ _ sid _ < /proc/$$/stat; echo session $((sid == $$))"
    definitions.longrun("last", f"{show}; grep SigIgn /proc/self/status; exec sleep 1000")
    log = boot().wait_for_log("SigIgn")
    assert "session 1" in log
    assert ignored_signals(log) == set()


def test_loads_the_environment_where_the_script_asks_for_it(
    boot: Boot, definitions: Definitions
) -> None:
    script = '#!/command/with-contenv bash\necho "zone=$TZ"; grep SigIgn /proc/self/status\n'
    definitions.oneshot("last", script)
    log = boot(TZ="Europe/Berlin").wait_for_log(STARTED)
    assert "zone=Europe/Berlin\n" in log
    assert ignored_signals(log) == set()


def test_drops_to_the_named_user_with_its_groups(boot: Boot, definitions: Definitions) -> None:
    who = "useradd -r -G dialout app; HOME=/root exec s6-setuidgid app bash -c 'id; echo $HOME'"
    definitions.oneshot("last", who)
    log = boot().wait_for_log(STARTED)
    assert re.search(r"uid=\d+\(app\) gid=\d+\(app\) groups=\d+\(app\),20\(dialout\)\n/root\n", log)


def test_splits_up_into_words_and_runs_no_shell(boot: Boot, definitions: Definitions) -> None:
    definitions.oneshot("last", "true")
    line = '# a comment\nprintf "%s|" "two words" a\\ b && > $HOME # end\n'
    (definitions.root / "last" / "up").write_text(line)
    assert "two words|a b|&&|>|$HOME|" in boot().wait_for_log(STARTED)


@pytest.mark.parametrize(("mode", "code"), [(None, 127), (0o644, 126)])
def test_reports_an_up_that_cannot_be_executed(
    boot: Boot, definitions: Definitions, mode: int | None, code: int
) -> None:
    definitions.oneshot("broken", "true")
    script = definitions.root / "broken" / "up.sh"
    script.unlink() if mode is None else script.chmod(mode)
    container = boot()
    assert container.wait(20) == 1
    warning = f"s6-rc: warning: unable to start service broken: command exited {code}"
    assert warning in container.logs()


def test_starts_a_dead_daemon_again_after_its_finish(boot: Boot, definitions: Definitions) -> None:
    definitions.longrun(
        "daemon",
        "echo run; test -e /tmp/seen && exec sleep 1000; touch /tmp/seen; exit 7",
        finish='echo "finish $* $PWD wanted $(s6-svstat -o wantedup .)"',
    )
    container = boot()
    log = container.wait_for_log("wanted true\nrun\n")
    assert re.search(r"finish 7 0 daemon \d+ /run/s6-rc/servicedirs/daemon wanted true", log)


def test_tells_finish_which_signal_killed_the_daemon(boot: Boot, definitions: Definitions) -> None:
    definitions.longrun("daemon", "kill -KILL $$", finish='echo "finish $*"; exit 125')
    assert re.search(r"finish 256 9 daemon \d+", boot().wait_for_log("finish"))


def test_leaves_a_service_down_whose_finish_says_125(boot: Boot, definitions: Definitions) -> None:
    definitions.longrun("daemon", "echo run; exit 1", finish="exit 125")
    definitions.longrun("other", "sleep 2; echo two seconds later; exec sleep 1000")
    assert boot().wait_for_log("two seconds later").count("run\n") == 1


def test_kills_a_finish_that_takes_too_long(boot: Boot, definitions: Definitions) -> None:
    definitions.longrun(
        "daemon",
        "echo run; sleep 0.1",
        finish="echo finishing; exec sleep 1000",
        timeout_finish="300",
    )
    container = boot()
    container.wait_for_log("finishing\n")
    container.wait_for_log("finish script takes too long")
    container.wait_for_log("killing it\nrun\n")


@pytest.mark.parametrize("first_line", ["#!/bin/bash\r\n", ""])
def test_waits_a_minute_when_run_cannot_be_spawned(
    boot: Boot, definitions: Definitions, first_line: str
) -> None:
    definitions.longrun("daemon", f"#!\n{first_line}", notification_fd="3")
    (definitions.root / "daemon" / "run").write_text(f"{first_line}exit 0\n")
    container = boot()
    warning = "s6-supervise daemon: warning: unable to spawn ./run (waiting 60 seconds): "
    container.wait_for_log(warning)
    assert "successfully started" not in container.logs()


def test_reports_ready_when_the_polled_check_succeeds(boot: Boot, definitions: Definitions) -> None:
    run = "exec s6-notifyoncheck -d -n 0 -w 100 s6-setuidgid nobody sleep 1000"
    definitions.longrun("database", run, notification_fd="3")
    check = definitions.root / "database" / "data" / "check"
    check.parent.mkdir()
    check.write_text("#!/bin/bash\ntest -e /tmp/answers\n")
    check.chmod(0o755)
    definitions.oneshot("last", "true", after=("database",))
    container = boot()
    container.wait_for_log("service database: starting")
    assert "service database successfully" not in container.logs()
    container.execute("touch", "/tmp/answers")
    container.wait_for_log(STARTED)


def test_ends_with_70_on_a_program_only_the_real_base_has(
    boot: Boot, definitions: Definitions
) -> None:
    definitions.oneshot("needs-more", "bashio::log.info hi; exec bashio")
    container = boot()
    assert container.wait(20) == 70
    assert "not provided: bashio\n" in container.logs()


@pytest.mark.parametrize(
    ("name", "text"),
    [("producer-for", "x"), ("max-death-tally", "5"), ("type", "bundle"), ("up", "if { true } ls")],
)
def test_ends_with_70_on_definitions_only_the_real_one_knows(
    boot: Boot, definitions: Definitions, name: str, text: str
) -> None:
    definitions.oneshot("service", "true")
    (definitions.root / "service" / name).write_text(text)
    container = boot()
    assert container.wait(20) == 70
    assert len(re.findall("^stand-in /init: fatal: not provided: ", container.logs(), re.M)) == 1


def test_ends_with_70_when_a_command_is_to_run_beside_the_services(standin: str) -> None:
    container = start_container(standin, "standin-init-command", command=["ls"], label=INIT_TEST)
    try:
        assert container.wait(20) == 70
    finally:
        container.remove()


def test_hides_the_interpreter_of_init_from_the_apps(standin: str) -> None:
    look = ["run", "--rm", *podman.LIMITS, "--entrypoint", "which", standin, "python3"]
    assert podman.run_podman(*look).returncode == 1
