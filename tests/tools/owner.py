"""`make owner OWNER=… REPO=…`: writes the repository's place on GitHub wherever it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.environments import ROOT

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
PLACES = ("*.md", "*.yaml", "*Dockerfile", "Makefile")


def patterns(owner: str, repo: str) -> list[tuple[re.Pattern[str], str]]:
    """What is replaced: addresses on github.com, image names on ghcr.io, the Makefile's lines."""
    current = re.search(r"OWNER \?= (\S+)\nREPO \?= (\S+)", (ROOT / "Makefile").read_text())
    if current is None:
        sys.exit("make owner: the Makefile has no OWNER and REPO lines")
    old_owner, old_repo = (re.escape(part) for part in current.groups())
    return [
        (re.compile(rf"github\.com(/|%2F){old_owner}(/|%2F){old_repo}(?![\w.-])", re.I),
         rf"github.com\g<1>{owner}\g<2>{repo}"),
        (re.compile(rf"ghcr\.io/{old_owner}/{old_repo}-", re.I),
         f"ghcr.io/{owner.lower()}/{repo.lower()}-"),
        (re.compile(rf"^OWNER \?= {old_owner}$", re.M), f"OWNER ?= {owner}"),
        (re.compile(rf"^REPO \?= {old_repo}$", re.M), f"REPO ?= {repo}"),
    ]  # fmt: skip


def rewrite(owner: str, repo: str) -> int:
    """Rewrites every tracked place; returns how many files changed."""
    replacements = patterns(owner, repo)
    listed = subprocess.run(
        ["git", "ls-files", "--", *PLACES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    changed = 0
    for path in (ROOT / name for name in listed.stdout.split()):
        changed += _rewrite_file(path, replacements)
    return changed


def _rewrite_file(path: Path, replacements: list[tuple[re.Pattern[str], str]]) -> bool:
    before = after = path.read_text()
    for pattern, text in replacements:
        after = pattern.sub(text, after)
    if after == before:
        return False
    path.write_text(after)
    print(f"wrote {path.relative_to(ROOT)}")
    return True


if __name__ == "__main__":
    wanted = os.environ.get("OWNER", ""), os.environ.get("REPO", "")
    if not all(NAME.fullmatch(part) for part in wanted):
        sys.exit("make owner: say both, as on GitHub: make owner OWNER=name REPO=name")
    print(f"{rewrite(*wanted)} files changed")
