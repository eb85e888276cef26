"""The checkout as git tracks it: names, modes and contents, no build leftovers."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

EXECUTABLE = "100755"
LINK = "120000"


@dataclass(frozen=True)
class Owner:
    """Account and name the repository is published under."""

    account: str
    repository: str

    @property
    def address(self) -> str:
        """The plain URL users add to their store."""
        return f"https://github.com/{self.account}/{self.repository}"


@dataclass(frozen=True)
class Checkout:
    """A repository root and its tracked files (path with slashes → git mode)."""

    root: Path
    modes: Mapping[str, str]

    def __contains__(self, path: object) -> bool:
        return path in self.modes

    def read_bytes(self, path: str) -> bytes:
        """The content of a tracked file; raises FileNotFoundError if it is gone from the disk."""
        return (self.root / path).read_bytes()

    def text(self, path: str) -> str:
        """The content as text, line ends untouched; raises UnicodeDecodeError for other data."""
        return self.read_bytes(path).decode("utf-8")

    def under(self, folder: str) -> Iterator[str]:
        """Tracked paths below a folder, in order."""
        prefix = folder.rstrip("/") + "/"
        return (path for path in self.modes if path.startswith(prefix))

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every tracked text file with its content; links and binary files are left out."""
        for path, mode in self.modes.items():
            if mode == LINK:
                continue
            try:
                yield path, self.text(path)
            except UnicodeDecodeError:
                continue

    def is_folder(self, path: str) -> bool:
        """Whether any tracked file lies below this path; "" is the root."""
        return path in ("", ".") or next(self.under(path), None) is not None

    @property
    def apps(self) -> list[str]:
        """Folders with a package of the same name: every app, offered in the store or not yet."""
        found = {path.split("/")[0] for path in self.modes if path.count("/") >= 1}
        return sorted(
            name
            for name in found
            if f"{name}/pyproject.toml" in self or f"{name}/{name}/__init__.py" in self
        )

    @property
    def store_apps(self) -> list[str]:
        """The apps the store offers: those with a config.yaml."""
        return [app for app in self.apps if f"{app}/config.yaml" in self]

    @property
    def owner(self) -> Owner | None:
        """OWNER and REPO of the Makefile, None while they are not there."""
        if "Makefile" not in self:
            return None
        text = self.text("Makefile")
        account = re.search(r"^OWNER\s*\?=\s*(\S+)\s*$", text, re.MULTILINE)
        repository = re.search(r"^REPO\s*\?=\s*(\S+)\s*$", text, re.MULTILINE)
        if account is None or repository is None:
            return None
        return Owner(account[1], repository[1])


def read_checkout(root: Path) -> Checkout:
    """Asks git for the tracked files of `root` that are on the disk; raises CalledProcessError."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--stage", "-z"],
        check=True,
        capture_output=True,
        env=variables,
    ).stdout.decode("utf-8")
    modes: dict[str, str] = {}
    for entry in filter(None, listing.split("\0")):
        facts, path = entry.split("\t", 1)
        if os.path.lexists(root / path):
            modes[path] = facts.split(" ")[0]
    return Checkout(root, dict(sorted(modes.items())))
