"""Dockerfiles as a device builds them: one literal base, a patient HEALTHCHECK."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.yaml_file import load_config
from tests.repository.finding import Finding

BASE = "ghcr.io/home-assistant/base-debian:trixie"
FIRST_START = 180
"""Seconds a slow board may need before its health counts."""

_LABELS = (
    "io.hass.type", "io.hass.version", "io.hass.arch", "io.hass.name", "io.hass.description",
    "io.hass.url", "org.opencontainers.image.title", "org.opencontainers.image.description",
    "org.opencontainers.image.source", "org.opencontainers.image.licenses",
)  # fmt: skip
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_REFUSED = {
    "CMD": "leave it out, services are supervised by s6",
    "ENTRYPOINT": "leave it out, the base starts /init",
    "MAINTAINER": "write a label",
    "ADD": "write COPY",
}


@dataclass(frozen=True)
class Instruction:
    """One instruction with its continued lines joined."""

    word: str
    rest: str


def parse_dockerfile(text: str) -> list[Instruction]:
    """Instructions in order; comments and empty lines are left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\[ \t]*\n", " ", "\n".join(lines))
    found = (line.strip().partition(" ") for line in joined.splitlines() if line.strip())
    return [Instruction(word.upper(), rest.strip()) for word, _, rest in found]


def check_dockerfiles(checkout: Checkout) -> list[Finding]:
    """Every app's Dockerfile, whether the store offers the app yet or not."""
    findings: list[Finding] = []
    for app in checkout.apps:
        path = f"{app}/Dockerfile"
        if path in checkout:
            instructions = parse_dockerfile(checkout.text(path))
            faults = [*_stages(instructions), *_anywhere(instructions)]
            faults += _final_stage(_last_stage(instructions))
            faults += _label_faults(checkout, app, _last_stage(instructions))
            findings += [Finding(path, wrong, instead) for wrong, instead in faults]
    return findings


Fault = tuple[str, str]


def _last_stage(instructions: list[Instruction]) -> list[Instruction]:
    starts = [place for place, found in enumerate(instructions) if found.word == "FROM"]
    return instructions[starts[-1] :] if starts else []


def _stages(instructions: list[Instruction]) -> Iterator[Fault]:
    names: set[str] = set()
    bases = [found.rest.split() for found in instructions if found.word == "FROM"]
    for words in bases:
        if words[0] != BASE and words[0] not in names:
            yield f"FROM {words[0]} is not the one base", f"write FROM {BASE}"
        if len(words) == 3 and words[1].upper() == "AS":
            names.add(words[2])
    if not bases:
        yield "has no FROM", f"write FROM {BASE}"


def _anywhere(instructions: list[Instruction]) -> Iterator[Fault]:
    for found in instructions:
        if found.word in _REFUSED:
            yield f"has {found.word}", _REFUSED[found.word]
        if re.search(r"<<-?['\"]?\w", found.rest):
            yield f"has a heredoc at {found.word}", "older builders do not know it: copy a file"
        if found.word == "COPY" and "--link" in found.rest.split():
            yield "has COPY --link", "older builders do not know it: leave the flag out"
        if found.word == "COPY" and ".." in found.rest.split("/"):
            yield f"copies {found.rest}", "nothing outside the app's folder can be built in"
        if found.word == "RUN":
            yield from _installs(found.rest)


def _installs(command: str) -> Iterator[Fault]:
    for call in re.split(r"&&|;|\|\|", command):
        if not re.search(r"\bpip\S*\s+install\b", call):
            continue
        words = call.split()
        if "-r" in words or "--requirement" in words:
            for flag in ("--require-hashes", "--only-binary"):
                if not any(word.startswith(flag) for word in words):
                    yield f"pip install without {flag}", "devices compile and trust nothing: add it"
        elif not {"--no-deps", "--no-build-isolation"} <= set(words):
            yield (
                f"`{' '.join(words)}` takes what is newest today",
                "install a requirements file, or ours with --no-deps --no-build-isolation",
            )


def _final_stage(stage: list[Instruction]) -> Iterator[Fault]:
    checks = [found for found in stage if found.word == "HEALTHCHECK"]
    if len(checks) != 1:
        yield "needs exactly one HEALTHCHECK in its last stage", "ask /health on the inside page"
    for found in checks:
        yield from _health(found.rest)
    if any(found.word == "USER" for found in stage):
        yield "has USER", "s6 starts as root, each service drops its rights itself"
    copies = [found.rest for found in stage if found.word == "COPY"]
    if copies and copies[-1].split()[-2:] != ["rootfs", "/"]:
        yield f"the last COPY is {copies[-1]}", "end with COPY rootfs /"
    variables = " ".join(found.rest for found in stage if found.word == "ENV")
    if not re.search(r"\bS6_VERBOSITY[= ]1\b", variables):
        yield "does not quieten s6", "write ENV S6_VERBOSITY=1, the Log tab belongs to the app"


def _health(text: str) -> Iterator[Fault]:
    if " CMD " not in f" {text} ":
        yield "HEALTHCHECK has no CMD", "name the command that asks /health"
    flags = dict(re.findall(r"--([a-z-]+)=(\S+)", text))
    if "start-interval" in flags:
        yield "HEALTHCHECK has --start-interval", "older builders do not know it: leave it out"
    if _seconds(flags.get("start-period", "0s")) < FIRST_START:
        yield "HEALTHCHECK counts too early", f"write --start-period={FIRST_START}s or more"


def _seconds(text: str) -> float:
    parts = re.findall(r"([\d.]+)(ms|[hms])", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def read_labels(stage: list[Instruction]) -> dict[str, str]:
    """Labels of a stage, quotes taken off."""
    labels: dict[str, str] = {}
    for found in stage:
        if found.word == "LABEL":
            pairs = (word.partition("=") for word in shlex.split(found.rest))
            labels.update({name: value for name, _, value in pairs})
    return labels


def _label_faults(checkout: Checkout, app: str, stage: list[Instruction]) -> Iterator[Fault]:
    labels = read_labels(stage)
    for name in _LABELS:
        if not labels.get(name):
            yield f"label {name} is missing", "add it"
    expected = {
        "io.hass.type": "app",
        "io.hass.version": "${BUILD_VERSION}",
        "io.hass.arch": "${BUILD_ARCH}",
    }
    if app in checkout.store_apps:
        config = load_config(checkout, app)
        for name, key in (
            ("io.hass.name", "name"),
            ("org.opencontainers.image.title", "name"),
            ("io.hass.description", "description"),
            ("org.opencontainers.image.description", "description"),
            ("io.hass.url", "url"),
        ):
            expected[name] = str(config.get(key))
    if owner := checkout.owner:
        expected["org.opencontainers.image.source"] = owner.address
    for name, value in expected.items():
        if labels.get(name, value) != value:
            yield f"label {name} is {labels[name]!r}", f"write {value!r}"
