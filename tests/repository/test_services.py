"""Faults that leave a container idling for ever are found before an image is built."""

from __future__ import annotations

import pytest

from tests.repository.checks.rootfs_scripts import check_rootfs_files, check_service_scripts
from tests.repository.checks.s6_services import read_services, without_base
from tests.repository.checks.s6_tree import check_s6_tree
from tests.repository.sample import APP, GOOD_FINISH, SERVICES, Sample, write_service

DIAL = f"{SERVICES}/svc-dial"
FOLDERS = f"{SERVICES}/init-folders"
SHEBANG = "#!/command/with-contenv bash\n"


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (f"{DIAL}/type", b"longrun\r\n", "neither longrun nor oneshot"),
        (f"{DIAL}/type", b"bundle\n", "neither longrun nor oneshot"),
        (f"{DIAL}/type", b"longrun", "neither longrun nor oneshot"),
        (f"{DIAL}/type", b"oneshot\n", "does not go with the name svc-dial"),
        (f"{DIAL}/up", b"/bin/true\n", "is no file of a longrun"),
        (f"{DIAL}/max-death-tally", b"3\n", "is no file of a longrun"),
        (f"{DIAL}/contents.d/x", b"", "is no file of a longrun"),
        (f"{FOLDERS}/finish", b"", "is no file of a oneshot"),
        (f"{FOLDERS}/run", b"", "is called by nobody"),
        (f"{FOLDERS}/notification-fd", b"3\n", "is no file of a oneshot"),
        (f"{DIAL}/dependencies.d/svc-moon", b"", "names a service that does not exist"),
        (f"{DIAL}/dependencies.d/base", b"x", "is not empty"),
        (f"{DIAL}/timeout-kill", b"5s\n", "'5s' is no number"),
        (f"{DIAL}/timeout-kill", b"\n", "'' is no number"),
        (f"{DIAL}/down-signal", b"INT\n", "'INT' is no signal"),
        (f"{DIAL}/notification-fd", b"3\n", "is missing beside notification-fd"),
        (f"{DIAL}/notification-fd", b"1\n", "is a standard stream"),
        (f"{SERVICES}/user/contents.d/svc-moon", b"", "names a service that does not exist"),
        (f"{SERVICES}/user/contents.d/svc-dial", b"x", "is not empty"),
        (f"{SERVICES}/user/type", b"bundle\n", "belongs to no service"),
        (f"{SERVICES}/README", b"", "belongs to no service"),
        (f"{SERVICES}/dial/type", b"longrun\n", "has a bad name"),
        (f"{SERVICES}/s6rc-dial/type", b"longrun\n", "has a bad name"),
    ],
)
def test_a_bad_definition_is_found(
    path: str, content: bytes, expected: str, sample: Sample
) -> None:
    sample.write(path, content)
    assert expected in "\n".join(sample.faults(check_s6_tree))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{DIAL}/type", "neither longrun nor oneshot"),
        (f"{DIAL}/run", "is missing; nothing starts without it"),
        (f"{FOLDERS}/up", "is missing; nothing starts without it"),
        (f"{SERVICES}/user/contents.d/svc-dial", "is missing; add it as an empty file"),
        (f"{FOLDERS}/dependencies.d/base", "does not wait for base"),
    ],
)
def test_a_missing_file_is_found(path: str, expected: str, sample: Sample) -> None:
    sample.remove(path)
    assert expected in "\n".join(sample.faults(check_s6_tree))


def test_a_circle_is_named(sample: Sample) -> None:
    sample.write(f"{FOLDERS}/dependencies.d/svc-dial", b"")
    found = "\n".join(sample.faults(check_s6_tree))
    assert "init-folders > svc-dial > init-folders" in found


def test_a_service_that_waits_for_itself_is_a_circle(sample: Sample) -> None:
    sample.write(f"{DIAL}/dependencies.d/svc-dial", b"")
    assert "svc-dial > svc-dial" in "\n".join(sample.faults(check_s6_tree))


def test_base_may_be_reached_through_others(sample: Sample) -> None:
    write_service(sample, "svc-moon", "svc-dial")
    services = read_services(sample.checkout(), APP).services
    assert without_base(services) == []
    assert sample.faults(check_s6_tree) == []


def test_every_allowed_file_passes(sample: Sample) -> None:
    for name, content in (
        ("notification-fd", b"3\n"),
        ("timeout-up", b"60000\n"),
        ("timeout-down", b"60000"),
        ("timeout-kill", b"50000\n"),
        ("timeout-finish", b"5000\n"),
        ("down-signal", b"SIGINT\n"),
    ):
        sample.write(f"{DIAL}/{name}", content)
    sample.write(f"{DIAL}/data/check", f"{SHEBANG}exec pg_isready\n", executable=True)
    assert sample.faults(check_s6_tree) == []
    assert sample.faults(check_rootfs_files) == []


def test_a_oneshot_may_keep_its_script_beside_up(sample: Sample) -> None:
    sample.write(f"{FOLDERS}/up", "/etc/s6-overlay/s6-rc.d/init-folders/run\n")
    sample.write(f"{FOLDERS}/run", f"{SHEBANG}mkdir -p /run/dial\n", executable=True)
    assert sample.faults(check_s6_tree) == []
    assert sample.faults(check_service_scripts) == []


def test_an_app_of_the_store_without_services_is_found(sample: Sample) -> None:
    for path in list(sample.checkout().under(SERVICES)):
        sample.remove(path)
    assert "holds no service" in "\n".join(sample.faults(check_s6_tree))


def test_a_script_that_is_not_executable_in_git_is_found(sample: Sample) -> None:
    sample.write(f"{DIAL}/run", sample.text(f"{DIAL}/run"))
    sample.write(f"{APP}/rootfs/usr/local/bin/healthy", "#!/bin/sh\ntrue\n")
    found = "\n".join(sample.faults(check_rootfs_files))
    assert f"{DIAL}/run: is not executable in git" in found
    assert f"{APP}/rootfs/usr/local/bin/healthy: is not executable in git" in found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"{SHEBANG}exec x\n".replace("\n", "\r\n"), "has CRLF line ends"),
        ("exec x\n", "has no interpreter line"),
        ("#!/usr/bin/with-contenv bashio\nexec x\n", "uses bashio"),
    ],
)
def test_a_script_that_cannot_run_is_found(content: str, expected: str, sample: Sample) -> None:
    sample.write(f"{DIAL}/run", content.encode(), executable=True)
    assert expected in "\n".join(sample.faults(check_rootfs_files))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("#!/bin/bash\nexec x\n", "sees neither TZ nor token"),
        (f"{SHEBANG}python -m dial\n", "does not end in exec"),
        (f"{SHEBANG}exec x\necho done\n", "does not end in exec"),
        (f"{SHEBANG}python \\\n  exec\n", "does not end in exec"),
    ],
)
def test_a_run_script_of_another_shape_is_found(
    content: str, expected: str, sample: Sample
) -> None:
    sample.write(f"{DIAL}/run", content, executable=True)
    assert expected in "\n".join(sample.faults(check_service_scripts))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("#!/bin/bash\nmkdir /run/x\n", "is not one line"),
        ("", "is not one line"),
        ("#!/bin/bash\n", "holds shell words"),
        ("mkdir -p /run/x && true\n", "holds shell words"),
        ("/usr/bin/env > /run/x\n", "holds shell words"),
        ("/bin/echo $X\n", "holds shell words"),
        ("mkdir -p /run/x\n", "write an absolute path"),
        ("/etc/s6-overlay/scripts/gone\n", "which is not in rootfs"),
    ],
)
def test_a_bad_up_line_is_found(line: str, expected: str, sample: Sample) -> None:
    sample.write(f"{FOLDERS}/up", line)
    assert expected in "\n".join(sample.faults(check_service_scripts))


def test_what_up_calls_must_be_executable(sample: Sample) -> None:
    script = f"{APP}/rootfs/etc/s6-overlay/scripts/init-folders"
    sample.write(script, "mkdir -p /run/dial\n")
    assert f"{script}: is called by up" in "\n".join(sample.faults(check_service_scripts))


@pytest.mark.parametrize(
    "step", ["s6-svstat -o wantedup .", "exit 125", "/run/s6/basedir/bin/halt"]
)
def test_a_finish_script_without_one_of_its_steps_is_found(step: str, sample: Sample) -> None:
    sample.replace(f"{DIAL}/finish", step, "true")
    assert f"has no `{step}`" in "\n".join(sample.faults(check_service_scripts))


def test_finish_scripts_of_two_shapes_are_found(sample: Sample) -> None:
    write_service(sample, "svc-moon", "base")
    assert sample.faults(check_service_scripts) == []
    text = GOOD_FINISH.replace("svc-dial", "svc-moon").replace("is started again", "starts again")
    sample.write(f"{SERVICES}/svc-moon/finish", text, executable=True)
    assert "svc-moon/finish: differs from" in "\n".join(sample.faults(check_service_scripts))
