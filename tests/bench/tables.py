"""Writes the table of an app's figures into its DOCS.md, between two marks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.environments import ROOT

RESULTS = Path(__file__).parent / "results"
BEGIN = "<!-- figures: written by `make bench` -->"
END = "<!-- end of figures -->"


class NoPlaceForTable(Exception):
    """DOCS.md has no marks; the text says what to put in."""


@dataclass(frozen=True)
class Table:
    """A table of an app whose figures do not fit one row each."""

    title: str
    columns: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        """Title and table."""
        lines = ["| " + " | ".join(row) + " |" for row in (self.columns, *self.rows)]
        lines.insert(1, "|---" * len(self.columns) + "|")
        return f"**{self.title}**\n\n" + "\n".join(lines) + "\n"


def results_file(app: str) -> Path:
    """Where an app's figures are kept."""
    return RESULTS / f"{app}.json"


def table(app: str) -> str:
    """The figures as Markdown: conditions, then the app's own tables, or a row per figure."""
    figures: dict[str, Any] = json.loads(results_file(app).read_text())
    if "tables" in figures:
        own = "\n".join(Table(**one).markdown() for one in figures["tables"])
        return f"{figures['conditions']}\n\n{own}"
    head = "| figure | ours | beside it | target | met |\n|---|---|---|---|---|\n"
    rows = "".join(
        "| {figure} | {ours} | {peer} | {target} | {met} |\n".format(**row)
        for row in figures["rows"]
    )
    return f"{figures['conditions']}\n\n{head}{rows}"


def with_table(text: str, inner: str) -> str:
    """The document with what stands between the marks replaced; raises NoPlaceForTable."""
    if BEGIN not in text or END not in text:
        raise NoPlaceForTable(f"put the lines {BEGIN!r} and {END!r} where the table belongs")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    return f"{before}{BEGIN}\n{inner}{END}{after}"


def write(app: str) -> None:
    """Writes the table into the app's DOCS.md."""
    document = ROOT / app / "DOCS.md"
    document.write_text(with_table(document.read_text(), table(app)))
    print(f"wrote the table in {document.relative_to(ROOT)}")
