"""Mending JSON that wallboxes got nearly right: stray commas, missing ends, wrong brackets."""

from __future__ import annotations

import re
from typing import Final

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|"(?:[^"\\]|\\.)*\\?$|[\[\]{},]|[^"\[\]{},]+', re.DOTALL)
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_CLOSER: Final = {"[": "]", "{": "}"}


def depth_exceeds(data: bytes, limit: int) -> bool:
    """Whether arrays and objects are nested deeper than `limit`, brackets in strings apart."""
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(data):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
            if depth > limit:
                return True
        elif token in (b"]", b"}"):
            depth -= 1
    return False


def repaired(text: str) -> str:
    """The text with stray commas dropped and every open string and bracket closed in order.

    What stands behind the end of the outermost value is dropped.
    """
    out: list[str] = []
    open_brackets: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in ("]", "}"):
            if token not in map(_CLOSER.__getitem__, open_brackets):
                continue
            _close_down_to(token, out, open_brackets)
            if not open_brackets:
                break
        elif token == ",":
            if _last(out) not in ("", "[", "{", ",", ":"):
                out.append(token)
        else:
            if token in _CLOSER:
                open_brackets.append(token)
            out.append(_closed_string(token))
    while open_brackets:
        _close(out, open_brackets)
    return "".join(out)


def _close_down_to(token: str, out: list[str], open_brackets: list[str]) -> None:
    while True:
        closer = _CLOSER[open_brackets[-1]]
        _close(out, open_brackets)
        if closer == token:
            return


def _close(out: list[str], open_brackets: list[str]) -> None:
    while _last(out) == ",":
        out.pop()
    if _last(out) == ":":
        out.append("null")
    out.append(_CLOSER[open_brackets.pop()])


def _closed_string(token: str) -> str:
    if not token.startswith('"'):
        return token if token.strip() else ""
    if len(token) > 1 and re.fullmatch(r'"(?:[^"\\]|\\.)*"', token, re.DOTALL):
        return token
    return token.removesuffix("\\") + '"'


def _last(out: list[str]) -> str:
    """The last character that counts of what was written."""
    while out and not out[-1].strip():
        out.pop()
    return out[-1].rstrip()[-1:] if out else ""
