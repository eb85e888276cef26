"""Splits rule lines into words: blanks separate, double quotes keep together, # is a comment."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r'(?P<blank>[^\S\n]+|#[^;\n]*)|(?P<end>[;\n])|(?P<word>(?:"[^"\n]*"|[^\s";])+)|(?P<bad>.)',
    re.DOTALL,
)


class LineError(ValueError):
    """A rule line that cannot be used; the text says why."""


def split(text: str) -> list[list[str]]:
    """The lines of a text, each as its words; a line ends at its end or at `;`.

    Empty lines are left out, `#` begins a comment where a word could begin. Raises LineError for a
    quote that is not closed.
    """
    lines: list[list[str]] = [[]]
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "bad":
            raise LineError("a double quote is not closed")
        if match.lastgroup == "end":
            lines.append([])
        elif match.lastgroup == "word":
            lines[-1].append(match[0].replace('"', ""))
    return [line for line in lines if line]
