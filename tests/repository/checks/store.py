"""What the store needs from each app's folder, and what must not lie about in the repository."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.yaml_file import load_config
from tests.repository.finding import Finding

_FILES = {
    "README.md": "introduce the app in a few lines",
    "DOCS.md": "explain installation and every option",
    "CHANGELOG.md": "begin with a heading `## <version>`",
    "INTERNALS.md": "tell the next developer how it works inside",
    "Dockerfile": "the device builds the image from it",
    "apparmor.txt": "write the profile, it counts for the security rating",
    "icon.png": "draw it, 128 by 128",
    "logo.png": "draw it, 250 by 100",
}
_CONFIG = {"config.yaml", "config.yml", "config.json"}
_BUILD = {"build.yaml", "build.yml", "build.json"}

_TAKEN = {
    "8123/tcp": "Home Assistant", "4357/tcp": "the Supervisor's observer",
    "1883/tcp": "Mosquitto", "1884/tcp": "Mosquitto", "8883/tcp": "Mosquitto",
    "8884/tcp": "Mosquitto", "7070/tcp": "evcc", "8887/tcp": "evcc", "4712/tcp": "evcc",
    "5200/tcp": "evcc", "5201/tcp": "evcc", "7050/tcp": "evcc", "7090/udp": "evcc",
    "8899/udp": "evcc", "9522/udp": "evcc",
}  # fmt: skip
"""Host ports of a normal installation; taking one keeps the app from starting."""


def check_store_files(checkout: Checkout) -> list[Finding]:
    """Every app of the store has its files."""
    return [
        Finding(f"{app}/{name}", "is missing", advice)
        for app in checkout.store_apps
        for name, advice in _FILES.items()
        if f"{app}/{name}" not in checkout
    ]


def check_stray_configs(checkout: Checkout) -> list[Finding]:
    """The Supervisor takes every file of that name for an app, wherever it lies."""
    findings: list[Finding] = []
    for path in checkout.modes:
        parts = PurePosixPath(path).parts
        hidden = "rootfs" in parts or any(part.startswith(".") for part in parts)
        own = len(parts) == 2 and parts[0] in checkout.apps and parts[1] == "config.yaml"
        if parts[-1] in _CONFIG and not hidden and not own:
            findings.append(Finding(path, "would be read as an app", "give it another name"))
        if parts[-1] in _BUILD and not hidden:
            findings.append(Finding(path, "is a dead build file", "move it into the Dockerfile"))
    return findings


def check_host_ports(checkout: Checkout) -> list[Finding]:
    """No app takes a host port of another one or of what usually runs beside it."""
    users: dict[str, list[str]] = defaultdict(list)
    for app in checkout.store_apps:
        ports = load_config(checkout, app).get("ports")
        for key, host in (ports if isinstance(ports, dict) else {}).items():
            if isinstance(host, int) and isinstance(key, str) and "/" in key:
                users[f"{host}/{key.split('/')[1]}"].append(app)
    findings: list[Finding] = []
    for port, apps in users.items():
        others = [*apps[:-1], *([_TAKEN[port]] if port in _TAKEN else [])]
        if others:
            findings.append(
                Finding(
                    f"{apps[-1]}/config.yaml",
                    f"takes host port {port}, which {', '.join(others)} has",
                    "choose another or null",
                )
            )
    return findings


def check_documented_options(checkout: Checkout) -> list[Finding]:
    """DOCS.md names every option and every port."""
    findings: list[Finding] = []
    for app in checkout.store_apps:
        path, config = f"{app}/DOCS.md", load_config(checkout, app)
        text = checkout.text(path) if path in checkout else ""
        schema, ports = config.get("schema"), config.get("ports")
        for option in schema if isinstance(schema, dict) else {}:
            if f"`{option}`" not in text:
                findings.append(Finding(path, f"does not explain {option}", "name it in backticks"))
        for port in ports if isinstance(ports, dict) else {}:
            if str(port).split("/")[0] not in text:
                findings.append(Finding(path, f"does not name port {port}", "say what it is for"))
    return findings
