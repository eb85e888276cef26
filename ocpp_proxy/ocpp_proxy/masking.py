"""Takes credentials and RFID tags out of messages before anybody reads them. Pure, on text.

Works without parsing, so that a damaged message is masked too.
"""

from __future__ import annotations

import re

_TEXT = r'"((?:[^"\\]|\\.)*)"?'
_ID_TAG = re.compile(r'("(?:idTag|parentIdTag)"\s*:\s*)' + _TEXT, re.IGNORECASE)
_NAMED_KEY = re.compile(
    r'("AuthorizationKey"[^{}\[\]]{0,400}?"value"\s*:\s*)' + _TEXT, re.IGNORECASE
)
_VALUE_FIRST = re.compile(
    r'("value"\s*:\s*)' + _TEXT + r'([^{}\[\]]{0,400}?"AuthorizationKey")', re.IGNORECASE
)
_PASSWORD = re.compile(
    r'("(?:password|passwd|secret|AuthorizationKey|basicAuthPassword)"\s*:\s*)' + _TEXT,
    re.IGNORECASE,
)
_BASIC = re.compile(r"(\bBasic\s+)[A-Za-z0-9+/=]{4,}")
_USER_INFO = re.compile(r"(\b[a-z][a-z0-9+.\-]{0,20}://)[^\s/@\"']+@", re.IGNORECASE)

HIDDEN = "…"


def id_tag(tag: str) -> str:
    """An RFID tag as it may be shown: `04A2…9F`; short ones are hidden altogether."""
    return f"{tag[:4]}…{tag[-2:]}" if len(tag) >= 8 else HIDDEN


def credentials(text: str) -> str:
    """The text without AuthorizationKey values, passwords, Basic headers and users of URLs."""
    text = _NAMED_KEY.sub(_hide, text)
    text = _VALUE_FIRST.sub(lambda m: f'{m[1]}"{HIDDEN}"{m[3]}', text)
    text = _PASSWORD.sub(_hide, text)
    text = _BASIC.sub(lambda m: m[1] + HIDDEN, text)
    return _USER_INFO.sub(lambda m: f"{m[1]}{HIDDEN}@", text)


def _hide(match: re.Match[str]) -> str:
    return f'{match[1]}"{HIDDEN}"'


def message(text: str, *, id_tags: bool = True) -> str:
    """A message without credentials and, with `id_tags`, with its RFID tags shortened."""
    text = credentials(text)
    if id_tags:
        text = _ID_TAG.sub(lambda m: f'{m[1]}"{id_tag(m[2])}"', text)
    return text
