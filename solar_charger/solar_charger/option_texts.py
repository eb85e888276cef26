"""What texts in options may look like: hosts, addresses, entities, topics, times. Pure.

Each function returns the text as it is used, or raises ValueError with what is wrong with it.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_ENTITY = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")
_NAME = re.compile(r"\w[\w-]*(\.\w[\w-]*)*\.?")
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]+)(?::(\d{1,5}))?")
_LONGEST_TOPIC = 1000


def text(value: str) -> str:
    """One line of whole characters."""
    if _NO_TEXT.search(value):
        raise ValueError("it has a control character or half a character")
    return value


def header(value: str) -> str:
    """A secret that travels in an HTTP header."""
    text(value)
    if not value.isascii() or value != value.strip():
        raise ValueError("it has characters other than plain letters, digits and signs")
    return value


def vin(value: str) -> str:
    """17 characters, upper case."""
    found = value.strip().upper()
    if not VIN.fullmatch(found):
        raise ValueError("it is no vehicle identification number")
    return found


def host(value: str) -> str:
    """`name`, `1.2.3.4` or `[::1]`, with or without `:port`."""
    found = value.strip()
    match = _HOST_AND_PORT.fullmatch(found)
    if match is None or not _is_host(match[1]):
        raise ValueError("it is no host name or address")
    if match[2] is not None and not 1 <= int(match[2]) <= 65535:
        raise ValueError("its port is not between 1 and 65535")
    return found


def _is_host(name: str) -> bool:
    if name.startswith("["):
        return _is_ipv6(name[1:-1])
    if not _NAME.fullmatch(name) or len(name) > 253:
        return False
    try:
        # RFC 5890: a label of more than 63 characters, or an empty one, names nothing.
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def _is_ipv6(name: str) -> bool:
    try:
        ipaddress.IPv6Address(name)
    except ValueError:
        return False
    return True


def url(value: str) -> str:
    """An http address without user, query and final slash."""
    found = text(value.strip()).rstrip("/")
    try:
        parts = urlsplit(found)
    except ValueError:
        raise ValueError("it is no http address") from None
    plain = not (parts.query or parts.fragment or "@" in parts.netloc or " " in found)
    if parts.scheme not in ("http", "https") or not plain or not parts.netloc:
        raise ValueError("it is no http address")
    host(parts.netloc)
    return found


def entity(value: str) -> str:
    """An entity id of Home Assistant."""
    if not _ENTITY.fullmatch(value.strip()):
        raise ValueError("it is no entity id")
    return value.strip()


def topic(value: str) -> str:
    """An MQTT topic without wildcards."""
    if not value or len(value) > _LONGEST_TOPIC or re.search(r"[+#]", value):
        raise ValueError("it is no MQTT topic without wildcards")
    return text(value)


def prefix(value: str) -> str:
    """A topic whose levels all have a name."""
    if "" in topic(value).split("/"):
        raise ValueError("it has an empty level")
    return value


def origin(value: str) -> str:
    """Where a sensor's value comes from: an entity, or `mqtt:TOPIC` with or without `#path`."""
    found = value.strip()
    if not found.startswith("mqtt:"):
        return entity(found)
    before, _, path = found[5:].partition("#")
    topic(before)
    text(path)
    return found


def clock(value: str) -> str:
    """HH:MM."""
    if not CLOCK.fullmatch(value):
        raise ValueError("it is no time of day")
    return value


def days(value: str) -> str:
    """Seven digits 0 or 1, Monday first."""
    if not re.fullmatch(r"[01]{7}", value):
        raise ValueError("it is not seven times 0 or 1")
    return value


def kept_file(value: str) -> str:
    """A file below the data folder."""
    path = PurePosixPath(text(value))
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError("it is no file name below the data folder")
    return value
