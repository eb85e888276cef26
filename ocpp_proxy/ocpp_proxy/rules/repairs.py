"""Rules `binary_to_text`, `fix_encoding` and `repair_json`: the outside of the charger's messages.

Seen: NULs in strings (Wallbe, evcc-io/evcc#3685), stray commas (ZJ Beny, lbbrhzn/ocpp#1078),
missing ends (Grizzl-E, lbbrhzn/ocpp#442).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..frames import json_bytes, parse
from ..repair import repaired
from . import reading
from .passage import LARGEST_REWRITTEN, Passage, strictly
from .rule import LineKind, Rule, Setting, Settings, Surroundings


@dataclass(frozen=True, slots=True)
class BinaryToText(Setting):
    """The rule is wanted."""


@dataclass(frozen=True, slots=True)
class FixEncoding(Setting):
    """The rule is wanted."""


@dataclass(frozen=True, slots=True)
class RepairJson(Setting):
    """The rule is wanted."""


def _read_binary_to_text(words: list[str]) -> Setting:
    reading.expect(words, 0)
    return BinaryToText()


def _read_fix_encoding(words: list[str]) -> Setting:
    reading.expect(words, 0)
    return FixEncoding()


def _read_repair_json(words: list[str]) -> Setting:
    reading.expect(words, 0)
    return RepairJson()


LINES = (
    LineKind("binary_to_text", _read_binary_to_text),
    LineKind("fix_encoding", _read_fix_encoding),
    LineKind("repair_json", _read_repair_json),
)


class TextFrames(Rule):
    """Passes binary messages that hold OCPP-J on as text."""

    name = "binary_to_text"

    def from_charger(self, passage: Passage) -> None:
        if not passage.text and passage.head is not None:
            passage.as_text(self, "binary message passed on as text")


class Utf8(Rule):
    """Reads what is not UTF-8 as Windows-1252, the usual Latin-1."""

    name = "fix_encoding"

    def from_charger(self, passage: Passage) -> None:
        if passage.data.isascii():
            return
        try:
            passage.data.decode("utf-8")
        except UnicodeDecodeError:
            passage.replaced(self, reencoded(passage.data), "encoding corrected")


def reencoded(data: bytes) -> bytes:
    """Windows-1252 as UTF-8; the five bytes it has no character for are taken as Latin-1."""
    try:
        return data.decode("cp1252").encode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()


class Json(Rule):
    """Removes NULs and stray commas and closes what is open."""

    name = "repair_json"

    def from_charger(self, passage: Passage) -> None:
        mended = mended_json(passage.data)
        if mended is not None:
            passage.replaced(self, mended, "JSON repaired")


def mended_json(data: bytes) -> bytes | None:
    """The message as good JSON; None if it is good already or beyond repair."""
    if _is_message(data) or len(data) > LARGEST_REWRITTEN:
        return None
    without_nul = data.replace(b"\0", b"")
    if _is_message(without_nul):
        return without_nul
    text = repaired(without_nul.decode("utf-8-sig", "replace").strip()).encode("utf-8", "replace")
    if _is_message(text):
        return text
    value = parse(without_nul)
    if not isinstance(value, list) or not value:
        return None
    try:
        written = json_bytes(value)
    except ValueError:
        return None
    return written if _is_message(written) else None


def _is_message(data: bytes) -> bool:
    try:
        return isinstance(strictly(data), list)
    except ValueError:
        return False


def binary_to_text(settings: Settings, _around: Surroundings) -> Rule | None:
    return TextFrames() if settings.last(BinaryToText) else None


def fix_encoding(settings: Settings, _around: Surroundings) -> Rule | None:
    return Utf8() if settings.last(FixEncoding) else None


def repair_json(settings: Settings, _around: Surroundings) -> Rule | None:
    return Json() if settings.last(RepairJson) else None
