"""Folders of `map` are mounted where and how the Supervisor does."""

from pathlib import Path
from typing import Any

import pytest

from tests.stand.mounts import mount_flags


@pytest.mark.parametrize(
    ("entry", "below", "mount"),
    [
        ("ssl", "ssl", "/ssl:ro"),
        ("share:rw", "share", "/share:rw"),
        ("addon_config:rw", "addon_config/car", "/config:rw"),
        ({"type": "ssl", "read_only": False}, "ssl", "/ssl:rw"),
        ({"type": "media", "path": "/films"}, "media", "/films:ro"),
    ],
)
def test_a_folder_is_mounted(tmp_path: Path, entry: Any, below: str, mount: str) -> None:
    assert mount_flags([entry], tmp_path, "car") == [f"--volume={tmp_path}/{below}:{mount}"]
    assert (tmp_path / below).is_dir()


def test_data_is_mounted_in_any_case_and_needs_no_entry(tmp_path: Path) -> None:
    assert mount_flags(["data:rw"], tmp_path, "car") == []
