"""apparmor.txt: a profile the Supervisor can rename and the kernel's parser can read."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

from tests.repository.checks.checkout import Checkout
from tests.repository.finding import Finding

_PROFILE = re.compile(r"^(\s*)profile\s+(\S+)")


class ParserMissing(Exception):
    """apparmor_parser is not installed; the package is called apparmor."""


def check_apparmor(checkout: Checkout) -> list[Finding]:
    """The Supervisor's own rules (supervisor/utils/apparmor.py, 2026.08)."""
    findings: list[Finding] = []
    for app in checkout.apps:
        path = f"{app}/apparmor.txt"
        if path in checkout:
            faults = _profile_faults(checkout.text(path), app)
            findings += [Finding(path, wrong, instead) for wrong, instead in faults]
    return findings


def _profile_faults(text: str, slug: str) -> Iterator[tuple[str, str]]:
    outer = [line for line in text.splitlines() if line.startswith("profile ")]
    if len(outer) != 1:
        yield f"has {len(outer)} lines that start with `profile `", "keep one, indent the children"
    for line in outer:
        name = line.split()[1]
        if name != slug:
            yield f"the profile is called {name}", f"write profile {slug}"
        if "attach_disconnected" not in line:
            yield "the profile has no attach_disconnected", "containers need this flag"
    for line in text.splitlines():
        found = _PROFILE.match(line)
        if found and found[1] and found[2].strip('"') == slug:
            yield f"a child is called {slug} too", "name it after its daemon"
        for peer in re.findall(r"peer=(\*_[\w.-]+)", line):
            if peer != f"*_{slug}":
                yield f"a rule names the peer {peer}", f"write *_{slug}, the prefix is the store's"
    if not text.lstrip().startswith("#include <tunables/global>"):
        yield "does not begin with the tunables", "write #include <tunables/global> first"


def check_apparmor_syntax(checkout: Checkout) -> list[Finding]:
    """What `apparmor_parser -Q -K` says of every profile; raises ParserMissing."""
    paths = [f"{app}/apparmor.txt" for app in checkout.apps if f"{app}/apparmor.txt" in checkout]
    program = shutil.which("apparmor_parser", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if paths and program is None:
        raise ParserMissing("apparmor_parser is not installed (package apparmor)")
    findings: list[Finding] = []
    for path in paths:
        result = subprocess.run(
            [str(program), "-Q", "-K", str(checkout.root / path)],
            capture_output=True,
            text=True,
            timeout=120,
        )
        if result.returncode != 0:
            said = " ".join((result.stderr or result.stdout).split())
            findings.append(Finding(path, f"is refused: {said}", "mend the syntax"))
    return findings
