"""Rules for the service definitions: names, types, files, dependencies, the user bundle."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.s6_services import (
    Service,
    Services,
    find_cycle,
    read_services,
    without_base,
)
from tests.repository.finding import Finding

_NAME = re.compile(r"(init|svc)-[A-Za-z0-9_-]+")
_BOTH = r"type|dependencies\.d/[^/]+|timeout-up|timeout-down"
_LONGRUN = re.compile(
    rf"{_BOTH}|run|finish|notification-fd|down-signal|timeout-kill|timeout-finish|data/.+"
)
_ONESHOT = re.compile(rf"{_BOTH}|up|down|run")
_SIGNAL = re.compile(r"SIG[A-Z0-9]+")


def check_s6_tree(checkout: Checkout) -> list[Finding]:
    """Every app with services."""
    findings: list[Finding] = []
    for app in checkout.apps:
        services = read_services(checkout, app)
        for service in services.services.values():
            findings += _check_service(checkout, service)
        findings += _check_links(services)
        findings += _check_bundle(checkout, services)
        if app in checkout.store_apps and not services.services:
            findings.append(Finding(services.folder, "holds no service", "define at least one"))
    return findings


def _check_service(checkout: Checkout, service: Service) -> Iterator[Finding]:
    name = service.name
    if name.startswith(("s6rc-", "s6-rc-")) or not _NAME.fullmatch(name):
        yield Finding(service.path, "has a bad name", "write init-<job> or svc-<daemon>")
    kind = f"{service.path}/type"
    if service.type not in (b"longrun\n", b"oneshot\n"):
        yield Finding(kind, "is neither longrun nor oneshot on one line", "write one of the two")
        return
    if service.longrun != name.startswith("svc-"):
        yield Finding(kind, f"does not go with the name {name}", "oneshots init-, longruns svc-")
    allowed, needed = (_LONGRUN, "run") if service.longrun else (_ONESHOT, "up")
    if needed not in service.files:
        yield Finding(f"{service.path}/{needed}", "is missing", "nothing starts without it")
    for file in service.files:
        if not allowed.fullmatch(file):
            yield Finding(
                f"{service.path}/{file}",
                f"is no file of a {service.type.decode().strip()}",
                "take it out",
            )
    script = f"{service.path}/run"
    if service.oneshot and "run" in service.files and not _calls(checkout, service, script):
        yield Finding(script, "is called by nobody, a oneshot starts with up", "name it in up")
    yield from _check_values(checkout, service)


def _calls(checkout: Checkout, service: Service, script: str) -> bool:
    """Whether `up` names the script that lies beside it; s6-rc itself ignores that file."""
    inside = script[script.index("/rootfs/") + len("/rootfs") :]
    return "up" in service.files and inside in checkout.text(f"{service.path}/up").split()


def _check_values(checkout: Checkout, service: Service) -> Iterator[Finding]:
    for file in service.files:
        path = f"{service.path}/{file}"
        if file.startswith("dependencies.d/"):
            if checkout.read_bytes(path):
                yield Finding(path, "is not empty", "its name says all")
            continue
        if not file.startswith("timeout-") and file not in ("notification-fd", "down-signal"):
            continue
        value = checkout.text(path).removesuffix("\n")
        if file == "down-signal":
            if not _SIGNAL.fullmatch(value):
                yield Finding(path, f"{value!r} is no signal", "write a name such as SIGINT")
        elif not value.isascii() or not value.isdigit():
            yield Finding(path, f"{value!r} is no number", "write digits on one line")
        elif file == "notification-fd" and int(value) < 3:
            yield Finding(path, f"{value} is a standard stream", "write 3 or more")
    if "notification-fd" in service.files and "timeout-up" not in service.files:
        yield Finding(
            f"{service.path}/timeout-up",
            "is missing beside notification-fd, the start could wait for ever",
            "write milliseconds",
        )


def _check_links(services: Services) -> Iterator[Finding]:
    known = {*services.services, "base"}
    for service in services.services.values():
        for name in service.dependencies:
            if name not in known:
                yield Finding(
                    f"{service.path}/dependencies.d/{name}",
                    "names a service that does not exist",
                    "no service at all would start: mend the name",
                )
    if circle := find_cycle(services.services):
        yield Finding(
            services.folder, f"services wait in a circle: {' > '.join(circle)}", "break it"
        )
    for name in without_base(services.services):
        yield Finding(
            f"{services.folder}/{name}",
            "does not wait for base, directly or through others",
            "add an empty dependencies.d/base",
        )


def _check_bundle(checkout: Checkout, services: Services) -> Iterator[Finding]:
    for path in services.stray:
        yield Finding(path, "belongs to no service", "keep user/contents.d/<service> only")
    for name, path in services.enabled.items():
        if name not in services.services:
            yield Finding(path, "names a service that does not exist", "mend the name")
        elif checkout.read_bytes(path):
            yield Finding(path, "is not empty", "its name says all")
    for name in sorted(set(services.services) - set(services.enabled)):
        yield Finding(
            f"{services.folder}/user/contents.d/{name}", "is missing", "add it as an empty file"
        )
