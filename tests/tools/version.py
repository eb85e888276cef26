"""`make version APP=… VERSION=…`: raises an app's version in every place that names it."""

from __future__ import annotations

import datetime
import re
import sys
from pathlib import Path

from tests import environments
from tests.environments import ROOT

VERSION = re.compile(r"\d+\.\d+\.\d+")


class VersionNotRaised(Exception):
    """A place that should name the version cannot be rewritten; the text says which."""


def replace_once(path: Path, pattern: str, text: str) -> None:
    """Replaces the one match of `pattern`; raises VersionNotRaised where there is not one."""
    after, count = re.subn(pattern, lambda _: text, path.read_text(), count=1, flags=re.M)
    if count != 1:
        raise VersionNotRaised(f"{path.name} has no line like {pattern!r}")
    path.write_text(after)


def raise_version(folder: Path, version: str, today: datetime.date) -> None:
    """Package, config.yaml and CHANGELOG, whose `Unreleased` heading becomes the version's.

    Raises VersionNotRaised when the version is not three numbers or a place cannot be rewritten.
    """
    if not VERSION.fullmatch(version):
        raise VersionNotRaised(f"{version!r} is no version; write three numbers, like 0.2.0")
    package = folder / folder.name / "__init__.py"
    replace_once(package, r'^__version__ = ".*"$', f'__version__ = "{version}"')
    configuration = folder / "config.yaml"
    if configuration.exists():
        replace_once(configuration, r'^version: ".*"$', f'version: "{version}"')
    replace_once(folder / "CHANGELOG.md", r"^## Unreleased$", f"## {version} - {today.isoformat()}")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in environments.apps():
        sys.exit(f"make version: say APP={'|'.join(environments.apps())} VERSION=0.2.0")
    try:
        raise_version(ROOT / sys.argv[1], sys.argv[2], datetime.datetime.now(datetime.UTC).date())
    except VersionNotRaised as failure:
        sys.exit(f"make version: {failure}")
