"""ocpp_proxy's DOCS.md is true: its first steps are walked, its options and flags compared."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests
import yaml

from tests.environments import ROOT, app_environment, make_ready, python_path
from tests.home_assistant.markdown import blocks, headings, in_code, section, steps
from tests.home_assistant.quoted import is_printed
from tests.images.far_sides import FarSide, central_system, wallbox
from tests.stand.app import read_app
from tests.stand.fixtures import StartApp
from tests.stand.home_assistant import HomeAssistant
from tests.stand.supervisor import RunningApp
from tests.stand.waiting import NeverHappened, wait_until

DOCS = (ROOT / "ocpp_proxy" / "DOCS.md").read_text()
CONFIG = read_app("ocpp_proxy").config
LOG_LINE = re.compile(r"[A-Z]+( \(\w+\))?: ")
MACHINE = "<address of Home Assistant>"
SECONDS = 60


class Walk:
    """Does what each step says, and remembers which kinds of things it found to do."""

    def __init__(self, start: StartApp, home_assistant: HomeAssistant, stack: ExitStack) -> None:
        self.done: list[str] = []
        self._start = start
        self._home_assistant = home_assistant
        self._stack = stack
        self._station = ""
        self._app: RunningApp | None = None
        self._evcc: FarSide | None = None
        self._greeting = ""
        self._read = 0

    def take(self, step: str) -> None:
        """One step: first what it tells the reader to do, then what it says he will see."""
        told = re.search(r"\*station id\*; here it is `(.+?)`. evcc listens on port (\d+)", step)
        if told:
            self._station, port = told[1], int(told[2])
            self._evcc = self._stack.enter_context(
                central_system("--station", self._station, port=port)
            )
            self._evcc.wait_for("listening")
            self.done.append("evcc")
        if "Install this app and start it" in step:
            self._app = self._start("ocpp_proxy", self._options(step))
            self.done.append("app")
        for block in blocks(step):
            self._take_block(block.text)
        self._look_at_entities(step)

    def _options(self, step: str) -> dict[str, object]:
        options: dict[str, object] = {}
        for block in blocks(step):
            if block.language == "yaml":
                options |= yaml.safe_load(block.text)
        return options

    def _take_block(self, text: str) -> None:
        if text.startswith("http://"):
            answer = requests.get(self._reachable(text), timeout=SECONDS)
            answer.raise_for_status()
            self._greeting = answer.text
        elif text.startswith("ws://"):
            boot = "boot=chargePointVendor:AcTEC,chargePointModel:EV-AC22K,firmwareVersion:V1"
            url = self._reachable(text).rstrip("/")
            self._stack.enter_context(wallbox(url, "--quirk", boot, station=self._station))
            self.done.append("wallbox")
        elif LOG_LINE.match(text):
            for line in text.splitlines():
                self._wait_for_line(line)
            self.done.append("log")
        else:
            assert text == self._greeting.strip()
            self.done.append("browser")

    def _reachable(self, address: str) -> str:
        """The address with the place the stand gives the app's port in place of the real one."""
        assert self._app is not None
        inside = re.search(rf"{MACHINE}:(\d+)", address)
        assert inside is not None, address
        (mapped,) = [key for key, port in CONFIG["ports"].items() if port == int(inside[1])]
        return address.replace(inside[0], f"127.0.0.1:{self._app.port(mapped)}")

    def _wait_for_line(self, line: str) -> None:
        """Waits for the line after those seen before; `…` and a home's address stand for any."""
        assert self._app is not None
        app, ends = self._app, re.escape(line).replace("…", ".*")
        pattern = re.sub(r"192\\\.168\\\.\d+\\\.\d+", r"[\\d.]+", ends)
        wanted = re.compile(rf"^\[\d\d:\d\d:\d\d\] {pattern}$", re.MULTILINE)

        def found() -> re.Match[str] | None:
            return wanted.search(app.logs(), self._read)

        try:
            seen = wait_until(found, SECONDS, f"the line {line!r}")
        except NeverHappened as never:
            raise NeverHappened(f"{never} in:\n{app.logs()}") from None
        assert seen is not None
        self._read = seen.end()

    def _look_at_entities(self, step: str) -> None:
        words = in_code(step)
        for index, word in enumerate(words):
            if re.fullmatch(r"(binary_)?sensor\.\w+", word):
                self._wait_for_entity(word, {each.lower() for each in words[index + 1 :]})

    def _wait_for_entity(self, entity: str, states: set[str]) -> None:
        self._home_assistant.wait_for_state(
            entity, lambda state: str(state["state"]).lower() in states, SECONDS
        )
        self.done.append("entity")


@pytest.fixture
def walk(app: StartApp, home_assistant: HomeAssistant) -> Iterator[Walk]:
    with ExitStack() as stack:
        yield Walk(app, home_assistant, stack)


def test_the_first_steps_lead_to_the_wallbox_in_home_assistant(walk: Walk) -> None:
    for step in steps(section(DOCS, "## First steps")):
        walk.take(step)
    assert walk.done == ["evcc", "app", "log", "browser", "wallbox", "log", "entity"]


# Options


def option_sections() -> dict[str, str]:
    """What the document says about each option."""
    named = [each for each in headings(DOCS, "###") if each.startswith("Option: ")]
    names = [each.removeprefix("Option: ").strip("`") for each in named]
    return {
        name: " ".join(section(DOCS, f"### {heading}").split())
        for name, heading in zip(names, named, strict=True)
    }


def default_named(text: str) -> str | None:
    """How the text names its default; None when it names none."""
    sayings = (
        r"`([^`]+)` \(default\)", r"`([^`]+)` by default", r"Default: (none)\b",
        r"Default (on|off|\d+|`[^`]+`(?:, `[^`]+`)*)",
    )  # fmt: skip
    found = [match for saying in sayings for match in re.findall(saying, text)]
    assert len(found) < 2, f"several defaults: {text}"
    return found[0].replace("`", "") if found else None


def written(value: object) -> str:
    """A default of config.yaml as the document writes it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "none"
    return str(value)


def test_every_option_has_its_heading_in_the_order_of_the_form() -> None:
    assert list(option_sections()) == list(CONFIG["schema"])


@pytest.mark.parametrize("name", CONFIG["schema"])
def test_the_right_default_is_named(name: str) -> None:
    defaults = CONFIG["options"]
    wanted = written(defaults[name]) if name in defaults else None
    assert default_named(option_sections()[name]) == wanted


@pytest.mark.parametrize("name", ["stations", "secondaries"])
def test_every_field_of_a_list_is_explained(name: str) -> None:
    text = option_sections()[name] + section(DOCS, "## A second central system")
    for field in CONFIG["schema"][name][0]:
        assert f"`{field}`" in text or f"{field}:" in text, field


# Flags


@pytest.fixture(scope="module")
def known_flags() -> set[str]:
    """All flags of `ocpp_proxy --help`."""
    python = make_ready(app_environment("ocpp_proxy"))
    done = subprocess.run(
        [python, "-m", "ocpp_proxy", "--help"], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": python_path("ocpp_proxy")},
    )  # fmt: skip
    return set(re.findall(r"(?<!\S)--[a-z][a-z-]+", done.stdout))


def test_every_flag_in_the_document_exists(known_flags: set[str]) -> None:
    text = "\n".join(in_code(DOCS))
    for block in blocks(DOCS):
        calls = [line for line in block.commands if "bin/ocpp_proxy " in line]
        text += "\n" + "\n".join(calls)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert {"--page-allow", "--options", "--data", "--debug"} <= named
    assert named <= known_flags


def test_every_environment_variable_in_the_document_belongs_to_a_flag(
    known_flags: set[str],
) -> None:
    named = set(re.findall(r"OCPP_PROXY_([A-Z_]+)", DOCS))
    assert named
    assert {f"--{name.lower().replace('_', '-')}" for name in named} <= known_flags


def test_the_lines_of_the_troubleshooting_table_are_printed_by_the_program() -> None:
    table = section(DOCS, "## Troubleshooting")
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", table, re.MULTILINE)
    quoted = [text for row in rows[1:] for text in re.findall(r"`([^`]+)`", row)]
    lines = [text for text in quoted if " " in text and "://" not in text]
    assert len(lines) > 4
    assert [line for line in lines if not is_printed("ocpp_proxy", line)] == []
