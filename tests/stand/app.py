"""An app's config.yaml as the Supervisor reads it: defaults, options, names."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.repository.checks.option_type import BadValue, accept, parse_type

DEFAULT_TIMEOUT = 10  # seconds between SIGTERM and SIGKILL
DEFAULT_INGRESS_PORT = 8099
MACHINES = {"x86_64": "amd64", "aarch64": "aarch64"}
ROOT = Path(__file__).resolve().parent.parent.parent


class OptionsRefused(Exception):
    """The Supervisor would not start the app with these options."""


@dataclass(frozen=True)
class App:
    """One app: its folder, which is the build context, and its config.yaml."""

    folder: Path
    config: Mapping[str, Any]

    @property
    def slug(self) -> str:
        return str(self.config["slug"])

    @property
    def full_slug(self) -> str:
        """With the repository in front, as in the Supervisor's answers and container names."""
        return f"local_{self.slug}"

    @property
    def hostname(self) -> str:
        return self.full_slug.replace("_", "-")

    @property
    def version(self) -> str:
        return str(self.config["version"])

    @property
    def timeout(self) -> int:
        """Seconds the app gets to stop."""
        return int(self.config.get("timeout", DEFAULT_TIMEOUT))

    @property
    def ingress_port(self) -> int:
        return int(self.config.get("ingress_port", DEFAULT_INGRESS_PORT))

    def options(self, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Defaults under `given`, validated; unlike the Supervisor, unknown keys are an error.

        Raises OptionsRefused naming every option that keeps the app from starting.
        """
        merged = _merge(self.config.get("options") or {}, given or {})
        faults: list[str] = []
        taken = _take_mapping(self.config.get("schema") or {}, merged, "", faults)
        if faults:
            raise OptionsRefused(f"{self.slug}: {'; '.join(faults)}")
        return taken


def read_app(folder: Path | str) -> App:
    """The app in `folder`; a plain name means the folder of that name in this repository."""
    place = ROOT / folder  # an absolute folder stays as it is
    return App(place, yaml.safe_load((place / "config.yaml").read_text()))


def architecture() -> str:
    """This machine's name in config.yaml's `arch`."""
    return MACHINES[platform.machine()]


def _merge(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are merged, lists and single values replaced."""
    merged = dict(defaults)
    for key, value in given.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = _merge(below, value)
        else:
            merged[key] = value
    return merged


def _take_mapping(
    schema: Mapping[str, Any], values: Mapping[str, Any], above: str, faults: list[str]
) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    faults += [f"{above}{key} is not in schema" for key in values if key not in schema]
    for key, kind in schema.items():
        name = f"{above}{key}"
        if values.get(key) is not None:
            taken[key] = _take(kind, values[key], name, faults)
        elif not _may_be_absent(kind):
            faults.append(f"{name} is missing")
    return taken


def _take(kind: Any, value: Any, name: str, faults: list[str]) -> Any:
    if isinstance(kind, dict) and isinstance(value, dict):
        return _take_mapping(kind, value, f"{name}.", faults)
    if isinstance(kind, list) and isinstance(value, list):
        return [_take(kind[0], each, f"{name}[{i}]", faults) for i, each in enumerate(value)]
    if isinstance(kind, dict | list):
        faults.append(f"{name} has another shape than its schema")
        return value
    try:
        return accept(parse_type(kind), value)
    except BadValue as error:
        faults.append(f"{name}: {error}")
        return value


def _may_be_absent(kind: Any) -> bool:
    element = kind[0] if isinstance(kind, list) else kind
    return isinstance(element, str) and element.endswith("?")
