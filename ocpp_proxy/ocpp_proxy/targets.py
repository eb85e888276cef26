"""The base address of a central system, from an option or the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from . import urls


class BadUrlError(ValueError):
    """An address that is no `ws://` or `wss://` base URL; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where upstream is: `path` is a cleaned prefix without trailing slash, often empty.

    `username` and `password` come from the user part of the URL and win over `upstream_auth`.
    """

    host: str
    port: int
    secure: bool = False
    path: str = ""
    username: str | None = None
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self.secure else 'ws'}://{host}:{self.port}{self.path}"


def parse(url: str) -> Target:
    """Read a base URL; raises BadUrlError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadUrlError("host or port cannot be read") from error
    if parts.scheme not in ("ws", "wss"):
        raise BadUrlError("it does not begin with ws:// or wss://")
    if not parts.hostname:
        raise BadUrlError("it names no host")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise BadUrlError("it has a query or a fragment")
    if port == 0:
        raise BadUrlError("0 is no port from 1 to 65535")
    secure = parts.scheme == "wss"
    return Target(
        host=_ascii_host(parts.hostname),
        port=port if port is not None else (443 if secure else 80),
        secure=secure,
        path=prefix(parts.path),
        username=None if parts.username is None else unquote(parts.username),
        password=unquote(parts.password or ""),
    )


def prefix(path: str) -> str:
    """A cleaned path to put in front of another: empty or `/…` without trailing slash."""
    try:
        cleaned = urls.clean(path).path
        cleaned.encode("ascii")
    except ValueError as error:
        raise BadUrlError(f"its path cannot be used ({error})") from error
    if "?" in path or " " in path:
        raise BadUrlError("its path has a blank or a question mark")
    return cleaned.rstrip("/")


def _ascii_host(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise BadUrlError("its host name cannot be read") from error
