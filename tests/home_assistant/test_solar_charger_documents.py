"""solar_charger's DOCS.md is true: options, flags, quoted lines, examples and units."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.environments import ROOT, app_environment, make_ready, python_path
from tests.home_assistant.entity_table import golden
from tests.home_assistant.markdown import block, blocks, headings, in_code, section
from tests.home_assistant.quoted import is_printed
from tests.repository.checks.option_model import dump_model
from tests.stand.app import read_app
from tests.stand.system import UNITS

FOLDER = ROOT / "solar_charger"
DOCS = (FOLDER / "DOCS.md").read_text()
CONFIG = read_app("solar_charger").config
OPTION = "### Option: "
UNIT_PROGRAM = "/opt/solar_charger/venv/bin/solar_charger"


# Options


def said_of(option: str) -> str:
    return " ".join(section(DOCS, f"{OPTION}`{option}`").split())


def default_named(text: str) -> str | None:
    """How the text names its default; None when it names none."""
    sayings = (
        r"`([^`]+)` \(default\)", r"`([^`]+)` by default", r"Default: (none)\b",
        r"Default (on|off|\d+|`[^`]+`)",
    )  # fmt: skip
    found = [match for saying in sayings for match in re.findall(saying, text)]
    assert len(found) < 2, f"several defaults: {text}"
    return str(found[0]).replace("`", "") if found else None


def written(value: object) -> str | None:
    """A default as the document writes it."""
    if value in (None, ""):
        return None
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return "none"
    return str(value)


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    """The options model as a JSON schema."""
    return dump_model(make_ready(app_environment("solar_charger")), FOLDER)


def test_every_option_has_its_heading_in_the_order_of_the_form() -> None:
    named = [each for each in headings(DOCS, "###") if each.startswith("Option: ")]
    assert [each.removeprefix("Option: ").strip("`") for each in named] == list(CONFIG["schema"])


def test_every_default_is_named_as_the_program_has_it(model: dict[str, Any]) -> None:
    defaults = {name: field.get("default") for name, field in model["properties"].items()}
    wanted = {name: written(value) for name, value in defaults.items()}
    assert {name: default_named(said_of(name)) for name in CONFIG["schema"]} == wanted


@pytest.mark.parametrize("name", ["sensors", "tariff"])
def test_every_field_of_a_list_is_explained(name: str) -> None:
    for field in CONFIG["schema"][name][0]:
        assert f"`{field}`" in said_of(name), field


def test_every_choice_is_named() -> None:
    whole = in_code(DOCS)
    for name, kind in CONFIG["schema"].items():
        choices = re.fullmatch(r"list\((.+)\)\??", kind) if isinstance(kind, str) else None
        if choices is None or name in ("phase_map", "log_level"):
            continue
        for choice in choices[1].split("|"):
            assert choice in whole, f"{name}: {choice}"


def test_every_role_of_a_sensor_is_named() -> None:
    roles = re.fullmatch(r"list\((.+)\)", CONFIG["schema"]["sensors"][0]["role"])
    assert roles is not None
    assert set(roles[1].split("|")) <= set(in_code(said_of("sensors")))


# Examples


def test_the_example_of_sensors_is_accepted() -> None:
    app, example = read_app("solar_charger"), yaml.safe_load(block(text_of("Meters"), "yaml").text)
    assert app.options(example)["sensors"] == example["sensors"]
    validated(example)


def test_the_options_file_of_the_docker_form_is_accepted() -> None:
    validated(json.loads(block(outside("With Docker"), "json").text))


def validated(options: dict[str, Any]) -> None:
    """The program reads these options without a word."""
    code = (
        "import json, sys; from solar_charger.options import read; "
        "print(read(json.load(sys.stdin))[1])"
    )
    python = make_ready(app_environment("solar_charger"))
    done = subprocess.run(
        [python, "-c", code], input=json.dumps(options), capture_output=True, text=True,
        env={"PYTHONPATH": python_path("solar_charger")},
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def text_of(heading: str) -> str:
    return section(DOCS, f"## {heading}")


def outside(form: str) -> str:
    return section(text_of("Outside Home Assistant"), f"### {form}")


def test_compose_and_docker_form_say_the_same() -> None:
    build, run = (shlex.split(each) for each in block(outside("With Docker"), "sh").commands)
    (service,) = yaml.safe_load(block(outside("With compose"), "yaml").text)["services"].values()

    def values(flag: str) -> list[str]:
        return [run[index + 1] for index, word in enumerate(run) if word == flag]

    assert service["build"] == build[-1]
    assert service["restart"] in values("--restart")
    assert service["ports"] == values("-p")
    assert service["volumes"] == values("-v")
    assert service["stop_grace_period"] == f"{values('--stop-timeout')[0]}s"
    assert [f"{key}={value}" for key, value in service["environment"].items()] == values("-e")
    assert int(values("--stop-timeout")[0]) == CONFIG["timeout"]


def test_every_entity_in_the_document_is_in_home_assistant() -> None:
    text = text_of("In Home Assistant")
    named: set[str] = set()
    for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE):
        words = re.findall(r"`([^`]+)`", row)
        platform = words[0].split(".")[0]
        named |= {re.sub(r"^…_", f"{platform}.solar_charger_", word) for word in words}
    assert named == set(golden("solar_charger"))
    for example in blocks(text):
        assert set(re.findall(r"\w+\.solar_charger_\w+", example.text)) <= named


# Flags


@cache
def known_flags(*words: str) -> set[str]:
    """All flags that `solar_charger WORDS --help` tells."""
    python = make_ready(app_environment("solar_charger"))
    done = subprocess.run(
        [python, "-m", "solar_charger", *words, "--help"], capture_output=True, text=True,
        check=True, env={"PYTHONPATH": python_path("solar_charger")},
    )  # fmt: skip
    return set(re.findall(r"(?<!\S)\[?(--[a-z][a-z-]+)", done.stdout))


def calls() -> Iterator[list[str]]:
    """The words behind each call of the program in blocks and units."""
    for each in blocks(DOCS):
        for line in each.commands:
            found = re.search(r"bin/solar_charger (.+)", line)
            if found:
                yield shlex.split(found[1])


def test_every_flag_in_a_call_exists() -> None:
    seen = 0
    for words in calls():
        program = words[:1] if words[0] in ("relay", "simulate") else []
        named = {word for word in words if word.startswith("--")}
        assert named <= known_flags(*program), words
        seen += len(named)
    assert seen >= 10


def test_every_flag_in_the_running_text_exists() -> None:
    known = known_flags() | known_flags("relay") | known_flags("simulate")
    named = {word for text in in_code(DOCS) for word in re.findall(r"(?<![\w-])--[a-z-]+", text)}
    assert {"--page-allow", "--trace", "--car"} <= named
    assert named <= known


def test_every_environment_variable_in_the_document_belongs_to_a_flag() -> None:
    named = set(re.findall(r"SOLAR_CHARGER_([A-Z_]+)", DOCS))
    assert named
    assert {f"--{name.lower().replace('_', '-')}" for name in named} <= known_flags()


# Quoted lines


def said(line: str) -> bool:
    """Whether the program has such a line; that of an alarm is put together from its code."""
    return is_printed("solar_charger", line.removeprefix("alarm "))


def test_the_quoted_lines_are_printed_by_the_program() -> None:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", text_of("Troubleshooting"), re.MULTILINE)
    quoted = [fragment for row in rows[1:] for fragment in re.findall(r"`([^`]+)`", row)]
    assert len(quoted) > 20
    assert [fragment for fragment in quoted if not said(fragment)] == []


def test_the_log_of_the_first_steps_is_printed_by_the_program() -> None:
    lines = [
        line.split(": ", 1)[1]
        for heading in ("First steps", "Pairing")
        for each in blocks(text_of(heading))
        for line in each.lines
        if re.match(r"[A-Z]+( \(\w+\))?: ", line)
    ]
    assert len(lines) == 4
    assert [line for line in lines if not said(line)] == []


# Units


def unit_texts() -> dict[str, str]:
    return {
        "solar_charger": block(outside("With systemd"), "ini").text,
        "solar_charger-relay": block(text_of("A relay near the car"), "ini").text,
    }


@pytest.mark.parametrize("name", ["solar_charger", "solar_charger-relay"])
def test_the_unit_is_accepted_by_systemd(name: str, tmp_path: Path) -> None:
    UNITS.install()
    text, program = unit_texts()[name], tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert UNIT_PROGRAM in text
    (tmp_path / f"{name}.service").write_text(text.replace(UNIT_PROGRAM, str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / f"{name}.service")],
        capture_output=True, text=True,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "solar_charger" in line]
    assert (done.returncode, ours) == (0, []), done.stderr
