"""Built things are found again exactly as long as nothing that went into them has changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stand.cache import content_key

CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda folder: (folder / "run").write_text("#!/bin/sh\n"),
    "a mode": lambda folder: (folder / "run").chmod(0o755),
    "a name": lambda folder: (folder / "run").rename(folder / "walk"),
    "a new file": lambda folder: (folder / "new").touch(),
    "a link": lambda folder: (folder / "link").symlink_to("run"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run").write_text("#!/bin/bash\n")
    (tmp_path / "run").chmod(0o644)
    return tmp_path


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_of_content_gives_another_key(
    folder: Path, change: Callable[[Path], object]
) -> None:
    before = content_key(folder)
    change(folder)
    assert content_key(folder) != before


def test_what_tools_leave_behind_changes_nothing(folder: Path) -> None:
    before = content_key(folder)
    (folder / "package" / "__pycache__").mkdir(parents=True)
    (folder / "package" / "__pycache__" / "module.pyc").write_bytes(b"x")
    assert content_key(folder) == before


def test_parts_do_not_run_into_each_other() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")
