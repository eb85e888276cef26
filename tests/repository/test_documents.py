"""Links that lead somewhere, text that fits every machine, actions that stay as they are."""

from __future__ import annotations

import json

import pytest

from tests.repository.checks import check_repository
from tests.repository.checks.links import check_links
from tests.repository.checks.source_text import (
    check_machine_paths,
    check_module_lengths,
    check_package_locks,
    check_registry_hosts,
    long_modules,
)
from tests.repository.checks.workflows import check_workflows
from tests.repository.sample import APP, Sample

DOCS = f"{APP}/DOCS.md"
COMMIT = "3d3c42e5aac5ba805825da76410c181273ba90b1"
DEPENDABOT = """\
    version: 2
    updates:
      - package-ecosystem: github-actions
      - package-ecosystem: pip
      - package-ecosystem: docker
    """


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](GONE.md)", "links to GONE.md, which is not there"),
        ("[a](../gone/)", "links to ../gone/, which is not there"),
        ("[a](#nowhere)", "links to #nowhere, a heading that is not there"),
        ("[a](README.md#nowhere)", "a heading that is not there"),
        ("[a](/README.md)", "write a relative target"),
        ("![a](gone.png 'x')", ""),
        ('![a](gone.png "title")', "links to gone.png"),
        ("[a]: GONE.md", "links to GONE.md"),
        ("[a](<GONE.md>)", "links to GONE.md"),
    ],
)
def test_a_dead_link_is_found(text: str, expected: str, sample: Sample) -> None:
    sample.write(DOCS, f"# Sun dial\n\n{text}\n")
    assert expected in "\n".join(sample.faults(check_links))


def test_live_links_pass(sample: Sample) -> None:
    sample.write(
        DOCS,
        "# Sun dial & `co`\n\n## Twice\n\n## Twice\n\n[a](README.md) [b](../README.md#ev-home-apps)"
        " [c](translations) [d](#sun-dial--co) [e](#twice-1) [f](https://example.org/x#y)"
        " [g](mailto:a@b.org)\n\n```\n[h](GONE.md)\n```\n",
    )
    sample.write(f"{APP}/README.md", "# Sun dial\n")
    assert sample.faults(check_links) == []


def test_a_relative_picture_on_the_store_page_is_found(sample: Sample) -> None:
    sample.write(f"{APP}/README.md", "![logo](logo.png)\n")
    assert "the store page needs an absolute address" in sample.faults(check_links)[0]


@pytest.mark.parametrize("folder", ["work", "root"])
def test_a_path_of_one_machine_is_found(folder: str, sample: Sample) -> None:
    sample.write("notes.md", f"fine\nsee /{folder}/x\n")
    assert sample.faults(check_machine_paths)[0].startswith(
        f"notes.md:2: names the path /{folder}/"
    )


@pytest.mark.parametrize("text", ["data/work/x", "/workspace/x", "/rootfs/x", "../root/x"])
def test_paths_that_only_look_alike_pass(text: str, sample: Sample) -> None:
    sample.write("notes.md", text)
    assert sample.faults(check_machine_paths) == []


@pytest.mark.parametrize(
    "parts",
    [
        ("py", "pi.org"),
        ("files.python", "hosted.org"),
        ("registry.npm", "js.org"),
        ("repo.maven.", "apache.org"),
        ("repo1.", "maven.org"),
    ],
)
def test_a_registry_is_found(parts: tuple[str, str], sample: Sample) -> None:
    sample.write("Makefile.notes", f"pip --index https://{''.join(parts)}/simple\n")
    assert "".join(parts).split(".")[-2] in sample.faults(check_registry_hosts)[0]


def test_binary_files_are_not_read_as_text(sample: Sample) -> None:
    sample.write("picture.bin", b"\xff\xfe/work/x")
    assert sample.faults(check_machine_paths) == []


def test_a_module_past_the_limit_is_found_and_a_long_one_named(sample: Sample) -> None:
    sample.write(f"{APP}/{APP}/much.py", "x = 1\n" * 451)
    sample.write(f"{APP}/{APP}/long.py", "x = 1\n" * 450)
    sample.write(f"{APP}/{APP}/fine.py", "x = 1\n" * 400)
    assert sample.faults(check_module_lengths) == [
        f"{APP}/{APP}/much.py: has 451 lines; split it, 450 is the limit"
    ]
    assert long_modules(sample.checkout()) == [f"{APP}/{APP}/long.py: 450 lines, worth a hard look"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"integrity": "sha512-x"}, ""),
        ({"integrity": "sha512-x", "resolved": "x"}, "has a resolved address"),
        ({}, "has no integrity"),
    ],
)
def test_an_address_in_a_package_lock_is_found(
    entry: dict[str, str], expected: str, sample: Sample
) -> None:
    lock = {"packages": {"": {}, "node_modules/htmx.org": entry}}
    sample.write(f"{APP}/package-lock.json", json.dumps(lock))
    found = sample.faults(check_package_locks)
    assert bool(found) is bool(expected)
    assert expected in "\n".join(found)


def test_a_package_lock_that_is_none_is_found(sample: Sample) -> None:
    sample.write(f"{APP}/package-lock.json", "[]")
    assert "is no lock file" in sample.faults(check_package_locks)[0]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (f"actions/checkout@{COMMIT} # v7.0.1", ""),
        (f"home-assistant/builder/actions/build-image@{COMMIT} # 2026.06.0", ""),
        ("./.github/actions/own", ""),
        ("actions/checkout@v7", "actions/checkout@v7 can change"),
        (f"actions/checkout@{COMMIT[:12]} # v7.0.1", "can change"),
        (f"actions/checkout@{COMMIT}", "does not say its tag"),
        (f"actions/checkout@{COMMIT} # newest", "does not say its tag"),
        ("docker://alpine:3", "can change"),
    ],
)
def test_an_action_that_can_change_is_found(step: str, expected: str, sample: Sample) -> None:
    sample.write(".github/dependabot.yaml", DEPENDABOT)
    sample.write(".github/workflows/ci.yaml", f"jobs:\n  a:\n    steps:\n      - uses: {step}\n")
    found = sample.faults(check_workflows)
    assert bool(found) is bool(expected)
    assert expected in "\n".join(found)


def test_nobody_who_moves_the_pins_is_found(sample: Sample) -> None:
    sample.write(".github/workflows/ci.yaml", "jobs: {}\n")
    assert ".github/dependabot.yaml: is missing" in sample.faults(check_workflows)[0]
    sample.write(".github/dependabot.yaml", "version: 2\nupdates:\n  - package-ecosystem: pip\n")
    found = "\n".join(sample.faults(check_workflows))
    assert "does not watch github-actions" in found
    assert "does not watch docker" in found


def test_findings_of_all_checks_come_sorted_by_file(sample: Sample) -> None:
    sample.write(f"{APP}/icon.png", b"")
    sample.configure(boot="auto")
    sample.checkout()
    found = check_repository(sample.root)
    assert [one.file for one in found] == [f"{APP}/config.yaml", f"{APP}/icon.png"]
