"""Apps that share nothing but their copies, and pins that install everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repository.checks.boundaries import check_boundaries
from tests.repository.checks.copies import MASTER, check_copies
from tests.repository.checks.packages import check_packages
from tests.repository.checks.pins import BadLine, check_pins, entries, read_pin
from tests.repository.checks.wheels import (
    check_wheels,
    missing_wheels,
    platform_tags,
    wanted_lines,
)
from tests.repository.sample import APP, Sample

LOGS = '"""Log lines."""\n\nfrom .errors import Fault\n'
HASH = f"--hash=sha256:{'a' * 64}"
PINS = f"{APP}/requirements.txt"


@pytest.fixture
def two_apps(sample: Sample) -> Sample:
    """The sample beside the app that holds the master, with equal copies."""
    sample.write(f"{MASTER}/pyproject.toml", "[project]\n")
    for app in (MASTER, APP):
        for name in ("logs.py", "supervisor.py", "homeassistant/publisher.py"):
            sample.write(f"{app}/{app}/{name}", LOGS)
    return sample


def test_equal_copies_pass(two_apps: Sample) -> None:
    assert two_apps.faults(check_copies) == []
    assert two_apps.faults(check_boundaries) == []


def test_a_copy_that_differs_is_found(two_apps: Sample) -> None:
    two_apps.write(f"{APP}/{APP}/logs.py", LOGS + "\n")
    assert two_apps.faults(check_copies) == [
        f"{APP}/{APP}/logs.py: differs from {MASTER}'s; change the master, then make copies"
    ]


def test_a_missing_copy_is_found_once_the_store_offers_the_app(two_apps: Sample) -> None:
    two_apps.remove(f"{APP}/{APP}/supervisor.py")
    assert f"{APP}/{APP}/supervisor.py: is missing" in two_apps.faults(check_copies)[0]
    two_apps.remove(f"{APP}/config.yaml")
    assert two_apps.faults(check_copies) == []


def test_a_file_among_the_copies_without_master_is_found(two_apps: Sample) -> None:
    two_apps.write(f"{APP}/{APP}/homeassistant/extra.py", "")
    assert "homeassistant/extra.py: is no copy" in two_apps.faults(check_copies)[0]


def test_more_than_six_copies_are_found(two_apps: Sample) -> None:
    for app in (MASTER, APP):
        for number in range(4):
            two_apps.write(f"{app}/{app}/homeassistant/part{number}.py", "")
    assert "shares 7 files" in two_apps.faults(check_copies)[0]


@pytest.mark.parametrize("line", [f"import {MASTER}.x", f"from {MASTER} import x"])
def test_a_copy_that_names_its_app_is_found(line: str, two_apps: Sample) -> None:
    for app in (MASTER, APP):
        two_apps.write(f"{app}/{app}/logs.py", f"{line}\n")
    assert f"imports {MASTER} by name" in two_apps.faults(check_copies)[0]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"from {MASTER}.frames import Frame", f"imports {MASTER}.frames of another app"),
        (f"import {MASTER}", f"imports {MASTER} of another app"),
        ("def f():\n    from tests.stand import broker", "imports tests.stand"),
    ],
)
def test_an_import_over_the_fence_is_found(line: str, expected: str, two_apps: Sample) -> None:
    two_apps.write(f"{APP}/{APP}/core.py", f"{line}\n")
    assert expected in two_apps.faults(check_boundaries)[0]


def test_the_same_module_in_two_apps_is_found(two_apps: Sample) -> None:
    for app in (MASTER, APP):
        two_apps.write(f"{app}/{app}/shared.py", "x = 1\n" * 12)
    assert f"{APP}/{APP}/shared.py: is the same text as" in two_apps.faults(check_boundaries)[0]


def test_short_equal_modules_are_chance(two_apps: Sample) -> None:
    for app in (MASTER, APP):
        two_apps.write(f"{app}/{app}/relay/__init__.py", "")
    assert two_apps.faults(check_boundaries) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name = "sun_dial"', 'name = "dial"', "name is 'dial'"),
        ('license = "Apache-2.0"', 'license = "MIT"', "license is 'MIT'"),
        ('dynamic = ["version"]', 'version = "1"', "dynamic is None"),
        ('">=3.11"', '">=3.13"', "requires-python is '>=3.13'"),
        ("sun_dial.__main__:main", "sun_dial.main:main", "has no console script sun_dial"),
        ("sun_dial/__init__.py", "sun_dial/v.py", "the version comes from sun_dial/v.py"),
        ("six>=1.16,<2", "six==1.17.0", "'six==1.17.0' is pinned"),
        ("six>=1.16,<2", "six", "'six' has no lowest version"),
        ("six>=1.16,<2", "six @ file:///six.whl", "names an address"),
        ("six>=1.16,<2", "six >> 1", "is no requirement"),
        ("[project]", "[project", "is not valid TOML"),
    ],
)
def test_bad_package_metadata_is_found(old: str, new: str, expected: str, sample: Sample) -> None:
    sample.replace(f"{APP}/pyproject.toml", old, new)
    assert expected in "\n".join(sample.faults(check_packages))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("six>=1.16\n", "six is not exact"),
        (f"six==1.* {HASH}\n", "six is not exact"),
        ("six==1.17.0\n", "six has no hash"),
        ("six==1.17.0 --hash=sha256:abc\n", "the option --hash stands here"),
        (f"--index-url https://example.org\nsix==1.17.0 {HASH}\n", "the option --index-url"),
        (f"six @ https://example.org/six.whl {HASH}\n", "holds an address"),
        (f"-e .\nsix==1.17.0 {HASH}\n", "the option -e"),
        (f"-r other.txt\nsix==1.17.0 {HASH}\n", "the option -r"),
        (f"six==1.17.0 {HASH}\nSIX==1.17.0 {HASH}\n", "SIX stands twice"),
        (f"seven==1 {HASH}\n", "six is missing; make lock"),
        (f"six==2.0.0 {HASH}\n", "six 2.0.0 is outside six>=1.16,<2"),
    ],
)
def test_a_bad_pin_is_found(text: str, expected: str, sample: Sample) -> None:
    sample.write(PINS, text)
    assert expected in "\n".join(sample.faults(check_pins))


def test_an_app_of_the_store_without_pins_is_found(sample: Sample) -> None:
    sample.remove(PINS)
    assert sample.faults(check_pins) == [f"{PINS}: is missing; make lock"]


def test_pins_of_build_and_testing_are_read_too(sample: Sample) -> None:
    sample.write(f"{APP}/requirements-build.txt", "hatchling>=1\n")
    assert "hatchling is not exact" in sample.faults(check_pins)[0]


def test_continued_lines_and_comments_are_joined_and_dropped() -> None:
    marker = "python_version >= '3.13'"
    text = f"# locked\nsix==1.17.0 ; {marker} \\\n    {HASH} \\\n    {HASH}\n  # via x\n"
    (entry,) = entries(text)
    pin = read_pin(entry)
    assert (pin.requirement.name, pin.version, len(pin.hashes)) == ("six", "1.17.0", 2)


def test_a_line_that_is_no_pin_is_refused() -> None:
    with pytest.raises(BadLine, match="comes from an address"):
        read_pin("six @ file:///tmp/six.whl")


def test_markers_are_read_for_the_device_and_not_for_this_machine() -> None:
    text = "\n".join(
        (
            f"a==1 ; sys_platform == 'win32' {HASH}",
            f"b==1 ; platform_machine == 'aarch64' {HASH}",
            f"c==1 ; python_full_version >= '3.13' {HASH}",
            f"d==1 ; python_version < '3.12' {HASH}",
            f"e==1 ; platform_python_implementation != 'PyPy' {HASH}",
        )
    )
    names = {machine: [line[0] for line in wanted_lines(text, machine)] for machine in _MACHINES}
    assert names == {"x86_64": ["c", "e"], "aarch64": ["b", "c", "e"]}


_MACHINES = ("x86_64", "aarch64")


@pytest.mark.parametrize("machine", _MACHINES)
def test_every_manylinux_name_is_asked_for(machine: str) -> None:
    tags = platform_tags(machine)
    assert {
        f"manylinux_2_17_{machine}",
        f"manylinux_2_28_{machine}",
        f"manylinux2014_{machine}",
    } < {*tags}
    assert f"manylinux_2_42_{machine}" not in tags


def test_an_answer_is_remembered_and_only_for_the_same_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def answer(command: list[str], **_rest: object) -> object:
        asked.append(command)
        return type("Result", (), {"returncode": 0, "stderr": ""})

    monkeypatch.setattr("tests.repository.checks.wheels.subprocess.run", answer)
    for text in (f"six==1.17.0 {HASH}", f"six==1.17.0 {HASH}", f"six==1.16.0 {HASH}"):
        assert missing_wheels(text, "x86_64", tmp_path) == ""
    assert len(asked) == 2
    assert "--require-hashes" in asked[0]


@pytest.mark.wheels
def test_a_pin_without_wheel_is_found(sample: Sample, tmp_path: Path) -> None:
    sample.write(PINS, f"six==1.17.0 {HASH}\n")
    found = sample.faults(lambda checkout: check_wheels(checkout, tmp_path / "cache"))
    assert [line.split(": ")[1] for line in found] == [
        "not all wheels exist for amd64",
        "not all wheels exist for aarch64",
    ]
    assert not (tmp_path / "cache").exists()
