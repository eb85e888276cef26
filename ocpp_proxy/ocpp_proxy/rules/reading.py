"""Reads the words of rule lines: actions, numbers, measurands; every mistake is a LineError."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Final, TypeVar

from ..actions import ACTIONS, Sender
from ..actions.choices import MEASURAND
from .words import LineError

LONGEST_SECONDS: Final = 86400.0
T = TypeVar("T")


def expect(words: list[str], least: int, most: int | None = None) -> None:
    """Check how many words a line has behind its name."""
    if not least <= len(words) <= (least if most is None else most):
        raise LineError("too few words" if len(words) < least else "too many words")


def one_of(word: str, known: Iterable[str]) -> str:
    """The name as it is written in the standard, whatever the case of the word."""
    names = list(known)
    for name in names:
        if name.casefold() == word.casefold():
            return name
    near = get_close_matches(word, names, n=1)
    raise LineError(f"{word!r} is not known" + (f", {near[0]} is" if near else ""))


def named(word: str, values: Mapping[str, T]) -> T:
    """The value that a word stands for."""
    return values[one_of(word, values)]


def action(word: str, sender: Sender) -> str:
    """An action this side may send."""
    found = one_of(word, ACTIONS)
    if ACTIONS[found].sender not in (sender, Sender.BOTH):
        raise LineError(f"{found} is not sent by the {sender.value}")
    return found


def measurand(word: str) -> str:
    """A measurand of OCPP 1.6."""
    return one_of(word, MEASURAND)


def decimal(word: str) -> Decimal:
    """A finite number other than 0 of at most 20 characters."""
    try:
        number = Decimal(word)
    except InvalidOperation:
        raise LineError(f"{word!r} is no number") from None
    if not number.is_finite() or not number or len(word) > 20 or abs(number.adjusted()) > 9:
        raise LineError(f"{word} is no number to reckon with")
    return number


def positive(word: str) -> float:
    """A number above 0."""
    number = decimal(word)
    if number < 0:
        raise LineError(f"{word} is not above 0")
    return float(number)


def seconds(word: str) -> float:
    """A time from 0 to a day."""
    try:
        number = float(word)
    except ValueError:
        raise LineError(f"{word!r} is no number of seconds") from None
    if not math.isfinite(number) or not 0 <= number <= LONGEST_SECONDS:
        raise LineError(f"{word} is not from 0 to {LONGEST_SECONDS:.0f} seconds")
    return number


def whole(word: str, least: int, most: int) -> int:
    """A whole number within limits."""
    if not word.isascii() or not word.isdecimal() or not least <= int(word[:12]) <= most:
        raise LineError(f"{word!r} is no whole number from {least} to {most}")
    return int(word)


def text(word: str, longest: int) -> str:
    """A text OCPP has room for."""
    if not word or len(word) > longest:
        raise LineError(f"{word[:60]!r} does not have 1 to {longest} characters")
    return word
