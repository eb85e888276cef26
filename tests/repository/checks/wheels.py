"""Whether everything pinned exists as a wheel for both architectures on Debian trixie's Python.

Slow and online, hence remembered: a file named by the hash of what was asked lies outside the
checkout once it was answered with yes.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Set as AbstractSet
from pathlib import Path

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.pins import entries, read_pin, requirement_files
from tests.repository.finding import Finding

PYTHON = "3.13"
GLIBC = 41
"""Minor version of glibc 2 in Debian trixie: wheels for any older one run there."""

ARCHITECTURES = {"amd64": "x86_64", "aarch64": "aarch64"}
_OLDEST = {"x86_64": 5, "aarch64": 17}
_OLD_NAMES = {
    "x86_64": ("manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64"),
    "aarch64": ("manylinux2014_aarch64",),
}


def platform_tags(machine: str) -> list[str]:
    """Every manylinux tag of one machine, newest first (PEP 600), then the old names and linux."""
    newest = range(GLIBC, _OLDEST[machine] - 1, -1)
    modern = [f"manylinux_2_{minor}_{machine}" for minor in newest]
    return [*modern, *reversed(_OLD_NAMES[machine]), f"linux_{machine}"]


def wanted_lines(text: str, machine: str) -> list[str]:
    """The pinned lines that apply on one machine under Linux, without their markers.

    Markers are read here because pip would read them for the interpreter that runs it.
    """
    target: dict[str, str | AbstractSet[str]] = {
        "implementation_name": "cpython",
        "implementation_version": f"{PYTHON}.5",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{PYTHON}.5",
        "python_version": PYTHON,
        "sys_platform": "linux",
    }
    lines = []
    for entry in entries(text):
        pin = read_pin(entry)
        marker = pin.requirement.marker
        if marker is None or marker.evaluate(target):
            lines.append(" ".join((f"{pin.requirement.name}=={pin.version}", *pin.hashes)))
    return lines


def missing_wheels(text: str, machine: str, cache: Path) -> str:
    """What pip says is not there for one machine, empty when all is; a yes is remembered."""
    lines = wanted_lines(text, machine)
    tags = platform_tags(machine)
    asked = "\n".join((PYTHON, *tags, *sorted(lines)))
    answer = cache / f"{hashlib.sha256(asked.encode()).hexdigest()}.wheels"
    if not lines or answer.exists():
        return ""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text("\n".join(lines) + "\n")
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--only-binary", ":all:", "--require-hashes", "--implementation", "cp",
            "--python-version", PYTHON, "--dest", folder, "--requirement", str(wanted),
        ]  # fmt: skip
        for tag in tags:
            command += ["--platform", tag]
        result = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    if result.returncode != 0:
        return " ".join(result.stderr.split())[-600:] or "pip failed without a word"
    cache.mkdir(parents=True, exist_ok=True)
    answer.write_text(asked)
    return ""


def check_wheels(checkout: Checkout, cache: Path) -> list[Finding]:
    """Every requirements file of every app, for amd64 and aarch64."""
    findings: list[Finding] = []
    for path in requirement_files(checkout):
        for name, machine in ARCHITECTURES.items():
            if said := missing_wheels(checkout.text(path), machine, cache):
                findings.append(
                    Finding(path, f"not all wheels exist for {name}: {said}", "pin other versions")
                )
    return findings
