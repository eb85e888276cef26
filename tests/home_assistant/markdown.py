"""Reads our documents as a person does: sections, numbered steps, code blocks, words in code."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_STEP = re.compile(r"^\d+\. ", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: `text` without indentation and last line end."""

    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def commands(self) -> list[str]:
        """Lines of a shell block; one that ends in a backslash goes on in the next."""
        return self.text.replace("\\\n", " ").splitlines()


def section(document: str, heading: str) -> str:
    """What stands under the line `heading` (`## Rules`) up to the next of its level or above."""
    level = heading.split(" ", 1)[0]
    start = re.search(rf"^{re.escape(heading)}$\n", document, re.MULTILINE)
    if start is None:
        raise AssertionError(f"there is no heading {heading!r}")
    rest = document[start.end() :]
    end = re.search(rf"^#{{1,{len(level)}}} ", _without_blocks(rest), re.MULTILINE)
    return rest[: end.start()] if end else rest


def _without_blocks(text: str) -> str:
    """The same length, with everything in fences blanked: `#` begins a comment there."""
    return _FENCE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def headings(document: str, level: str) -> list[str]:
    """The texts of all headings of this level (`###`)."""
    return re.findall(rf"^{level} (.+)$", _without_blocks(document), re.MULTILINE)


def blocks(text: str) -> list[Block]:
    """All fenced blocks in order."""
    return [
        Block(found[2], textwrap.dedent(found[3]).rstrip("\n")) for found in _FENCE.finditer(text)
    ]


def block(text: str, language: str) -> Block:
    """The only block in this language."""
    (found,) = [each for each in blocks(text) if each.language == language]
    return found


def in_code(text: str) -> list[str]:
    """The words set as code within the running text, in order."""
    return re.findall(r"`([^`\n]+)`", _without_blocks(text))


def steps(text: str) -> list[str]:
    """The items of the text's numbered list; what follows the list belongs to no step."""
    starts = [found.start() for found in _STEP.finditer(text)]
    items = [text[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    return [_item(each) for each in items]


def _item(text: str) -> str:
    end = re.search(r"^(?=[^\s\d])", text, re.MULTILINE)
    return text[: end.start()] if end else text
