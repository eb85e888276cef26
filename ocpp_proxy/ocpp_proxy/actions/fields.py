"""The building blocks of the table of actions: fields, and short ways to write them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .choices import ACCEPTED_REJECTED


class Sender(Enum):
    """Who may send the CALL."""

    CHARGER = "charger"
    CENTRAL_SYSTEM = "central system"
    BOTH = "both"


class Kind(Enum):
    """What a field holds."""

    STRING = "string"
    ID_TOKEN = "id token"  # an RFID tag or the like: personal data
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE_TIME = "date-time"
    URI = "uri"
    CHOICE = "choice"
    OBJECT = "object"
    OBJECTS = "list of objects"
    STRINGS = "list of strings"


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a payload; `longest` in characters, for STRINGS of each element."""

    name: str
    kind: Kind
    optional: bool = False
    longest: int | None = None
    choices: tuple[str, ...] = ()
    members: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """A CALL's action with the fields of request and answer."""

    name: str
    sender: Sender
    request: tuple[Field, ...] = ()
    answer: tuple[Field, ...] = ()


def text(name: str, longest: int | None = None, *, optional: bool = False) -> Field:
    return Field(name, Kind.STRING, optional, longest)


def tag(name: str = "idTag", *, optional: bool = False) -> Field:
    return Field(name, Kind.ID_TOKEN, optional, 20)


def integer(name: str, *, optional: bool = False) -> Field:
    return Field(name, Kind.INTEGER, optional)


def number(name: str, *, optional: bool = False) -> Field:
    return Field(name, Kind.NUMBER, optional)


def time(name: str = "timestamp", *, optional: bool = False) -> Field:
    return Field(name, Kind.DATE_TIME, optional)


def uri(name: str) -> Field:
    return Field(name, Kind.URI)


def choice(name: str, choices: tuple[str, ...], *, optional: bool = False) -> Field:
    return Field(name, Kind.CHOICE, optional, choices=choices)


def obj(name: str, *members: Field, optional: bool = False) -> Field:
    return Field(name, Kind.OBJECT, optional, members=members)


def objects(name: str, *members: Field, optional: bool = False) -> Field:
    return Field(name, Kind.OBJECTS, optional, members=members)


def status(*choices: str) -> tuple[Field, ...]:
    return (choice("status", choices or ACCEPTED_REJECTED),)
