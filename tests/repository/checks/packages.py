"""pyproject.toml of each app: name, version source, ranges, console script."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from tests.repository.checks.checkout import Checkout
from tests.repository.finding import Finding

LICENCE = "Apache-2.0"

Fault = tuple[str, str]


def check_packages(checkout: Checkout) -> list[Finding]:
    """Every app folder that exists."""
    findings: list[Finding] = []
    for app in checkout.apps:
        path = f"{app}/pyproject.toml"
        if path not in checkout:
            findings.append(Finding(path, "is missing", "write the package's metadata"))
            continue
        try:
            content = tomllib.loads(checkout.text(path))
        except tomllib.TOMLDecodeError as error:
            findings.append(Finding(path, f"is not valid TOML ({error})", "mend the syntax"))
            continue
        findings += [Finding(path, wrong, instead) for wrong, instead in _faults(content, app)]
    return findings


def _faults(content: Mapping[str, Any], app: str) -> Iterator[Fault]:
    project = content.get("project", {})
    expected = {
        "name": app,
        "license": LICENCE,
        "requires-python": ">=3.11",
        "dynamic": ["version"],
    }
    for key, value in expected.items():
        if project.get(key) != value:
            yield f"{key} is {project.get(key)!r}", f"write {value!r}"
    if project.get("scripts", {}).get(app) != f"{app}.__main__:main":
        yield f"has no console script {app}", f'write {app} = "{app}.__main__:main"'
    source = content.get("tool", {}).get("hatch", {}).get("version", {}).get("path")
    if source != f"{app}/__init__.py":
        yield f"the version comes from {source}", f"read it from {app}/__init__.py"
    for text in all_dependencies(project):
        yield from _dependency_faults(text)


def all_dependencies(project: Mapping[str, Any]) -> list[str]:
    """Dependencies and those of all extras, as written."""
    found = list(project.get("dependencies", ()))
    for extra in project.get("optional-dependencies", {}).values():
        found.extend(extra)
    return found


def _dependency_faults(text: str) -> Iterator[Fault]:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        yield f"{text!r} is no requirement", "write name>=lowest,<next"
        return
    if requirement.url:
        yield f"{text!r} names an address", "name the package"
    operators = {found.operator for found in requirement.specifier}
    if operators & {"==", "==="}:
        yield f"{text!r} is pinned", "write a range, requirements.txt pins"
    elif not operators & {">=", "~=", ">"}:
        yield f"{text!r} has no lowest version", "write name>=lowest"


def normal_name(name: str) -> str:
    """A project's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
