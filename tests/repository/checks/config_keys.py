"""The keys of config.yaml: known ones only, of the right type, none at its default value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.repository.checks import config_values as values
from tests.repository.checks.checkout import Checkout
from tests.repository.checks.config_values import Reader, flag, list_of, one_of, text, whole
from tests.repository.checks.yaml_file import load_mapping
from tests.repository.finding import Finding

Config = Mapping[Any, Any]

REQUIRED = ("name", "version", "slug", "description", "arch", "url", "init", "timeout")
SHORTEST_STOP = 30
"""Seconds a stop may take at least: s6 alone always waits three, and writes must be finished."""

_CAPABILITIES = (  # noqa: SIM905 - a list of quoted words would be a page
    "BPF CHECKPOINT_RESTORE DAC_READ_SEARCH IPC_LOCK NET_ADMIN NET_RAW PERFMON SYS_ADMIN "
    "SYS_MODULE SYS_NICE SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME"
).split()
_FLAGS_OFF = (  # noqa: SIM905
    "audio auth_api devicetree gpio hassio_api homeassistant_api host_dbus host_network ingress "
    "ingress_stream journald kernel_modules realtime stdin tmpfs uart udev usb video"
).split()
_SEMANTIC = r"\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?"

READERS: dict[str, Reader] = {
    "name": text(),
    "version": text(_SEMANTIC, 'write a semantic version in quotes, such as "0.1.0"'),
    "slug": text(r"[a-z0-9_]+", "lower case, digits and underscores"),
    "description": text(r"[^\n]+", "one line"),
    "arch": values.architectures,
    "url": text(r"https?://\S+", "an http(s) address"),
    "image": text(r"([a-z0-9.-]+(:\d+)?/)?[a-z0-9._/-]+", "lower case, no tag, no {arch}"),
    "init": flag,
    "startup": one_of("initialize", "system", "services", "application", "once"),
    "boot": one_of("auto", "manual", "manual_only"),
    "stage": one_of("stable", "experimental", "deprecated"),
    "ports": values.ports,
    "ports_description": values.port_texts,
    "devices": list_of(text(r"/dev/[^:]+", "a path below /dev without colons")),
    "privileged": list_of(one_of(*_CAPABILITIES)),
    "apparmor": flag,
    "map": values.folders,
    "environment": values.environment,
    "options": values.mapping,
    "schema": values.schema,
    "services": list_of(text(r"(mqtt|mysql):(provide|want|need)", "for example mqtt:want")),
    "discovery": list_of(text()),
    "hassio_role": one_of("default", "homeassistant", "backup", "manager", "admin"),
    "ingress_port": whole(0, 65535),
    "ingress_entry": text(r"[^/].*", "a path without leading slash"),
    "panel_icon": text(r"mdi:[a-z0-9-]+", "mdi:<name>"),
    "panel_title": text(),
    "panel_admin": flag,
    "webui": text(
        r"(https?|\[PROTO:\w+\])://\[HOST\]:\[PORT:\d+\].*", "http://[HOST]:[PORT:8099]/"
    ),
    "backup": one_of("hot", "cold"),
    "backup_pre": text(),
    "backup_post": text(),
    "backup_exclude": list_of(text()),
    "timeout": whole(10, 300),
    "homeassistant": text(r"\d+\.\d+(\.\d+)?", "a version of Home Assistant in quotes"),
    "machine": list_of(text(r"!?[a-z0-9-]+", "a board name")),
    "breaking_versions": list_of(text(_SEMANTIC, "a version in quotes")),
    "ulimits": values.ulimits,
} | dict.fromkeys(_FLAGS_OFF, flag)

DEFAULTS: dict[str, Any] = {
    "init": True,
    "startup": "application",
    "boot": "auto",
    "stage": "stable",
    "apparmor": True,
    "options": {},
    "schema": {},
    "hassio_role": "default",
    "ingress_port": 8099,
    "panel_icon": "mdi:puzzle",
    "panel_admin": True,
    "backup": "hot",
    "timeout": 10,
    "ulimits": {},
} | dict.fromkeys(_FLAGS_OFF, False)

REFUSED: dict[str, str] = {
    "advanced": "is ignored since Supervisor 2026.03: leave it out",
    "codenotary": "was removed in 2025.11: leave it out",
    "watchdog": "is an error for the linter: give the image a HEALTHCHECK",
    "auto_uart": "was renamed: write uart",
    "legacy": "exports options as environment variables: leave it out",
    "full_access": "sets the security rating to 1: name devices or privileges",
    "docker_api": "sets the security rating to 1: leave it out",
    "host_pid": "does not work with s6-overlay: leave it out",
    "host_uts": "lowers the security rating: leave it out",
    "host_ipc": "opens the host's shared memory: leave it out",
    "snapshot": "was renamed: write backup",
    "snapshot_pre": "was renamed: write backup_pre",
    "snapshot_post": "was renamed: write backup_post",
    "snapshot_exclude": "was renamed: write backup_exclude",
    "build_from": "belongs into the Dockerfile: write a literal FROM",
    "args": "belongs into the Dockerfile: write ARG lines",
    "labels": "belongs into the Dockerfile: write LABEL lines",
}


def check_config_keys(checkout: Checkout) -> list[Finding]:
    """Every config.yaml of the store, key by key and then as a whole."""
    findings: list[Finding] = []
    for app in checkout.store_apps:
        path = f"{app}/config.yaml"
        config, unreadable = load_mapping(checkout, path)
        findings += unreadable
        if config:
            findings += _check_keys(path, config)
            findings += _check_together(path, app, config)
    return findings


def _check_keys(path: str, config: Config) -> list[Finding]:
    findings = [
        Finding(path, f"{key} is missing", "add it") for key in REQUIRED if key not in config
    ]
    for key, value in config.items():
        if key in REFUSED:
            findings.append(Finding(path, f"{key} stands here", f"it {REFUSED[key]}"))
        elif key not in READERS:
            findings.append(Finding(path, f"{key!r} is no key of the Supervisor", "leave it out"))
        elif fault := READERS[key](value):
            findings.append(Finding(path, f"{key} does not fit", f"it {fault}"))
        elif key in DEFAULTS and value == DEFAULTS[key]:
            shown = str(value).lower() if isinstance(value, bool) else value
            findings.append(
                Finding(path, f"{key}: {shown} is the default, an error for the linter", "drop it")
            )
    return findings


def _wrong_slug(config: Config, app: str) -> str | None:
    return None if config.get("slug") == app else f"slug must be the folder's name, {app}"


def _tini(config: Config, _app: str) -> str | None:
    return None if config.get("init") is False else "init must be false: s6-overlay is process 1"


def _short_stop(config: Config, _app: str) -> str | None:
    timeout = config.get("timeout")
    if isinstance(timeout, int) and timeout < SHORTEST_STOP:
        return f"timeout must be at least {SHORTEST_STOP} seconds"
    return None


def _two_entrances(config: Config, _app: str) -> str | None:
    both = config.get("ingress") and "webui" in config
    return "webui must go: the page is reached by ingress" if both else None


def _random_port(config: Config, _app: str) -> str | None:
    if config.get("ingress_port") == 0 and not config.get("host_network"):
        return "ingress_port 0 is for host_network only: leave it out"
    return None


def _cold_with_commands(config: Config, _app: str) -> str | None:
    if config.get("backup") == "cold" and {"backup_pre", "backup_post"} & set(config):
        return "backup_pre and backup_post never run with backup: cold"
    return None


def _low_listener(config: Config, _app: str) -> str | None:
    ports = config.get("ports")
    keys = [key for key in ports if isinstance(key, str)] if isinstance(ports, dict) else []
    low = [key for key in keys if key.split("/")[0].isdigit() and int(key.split("/")[0]) < 1024]
    if low:
        return f"{', '.join(low)}: listen at 1024 or above inside and map the host's port to it"
    return None


def _ports_on_host(config: Config, _app: str) -> str | None:
    if config.get("host_network") and config.get("ports"):
        return "ports are ignored with host_network: drop one of the two"
    return None


_TOGETHER: tuple[Callable[[Config, str], str | None], ...] = (
    _wrong_slug,
    _tini,
    _short_stop,
    _two_entrances,
    _random_port,
    _cold_with_commands,
    _low_listener,
    _ports_on_host,
)


def _check_together(path: str, app: str, config: Config) -> list[Finding]:
    faults = (rule(config, app) for rule in _TOGETHER)
    return [Finding(path, "keys do not go together", fault) for fault in faults if fault]
