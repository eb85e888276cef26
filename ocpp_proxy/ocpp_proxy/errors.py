"""The errors that end a start or refuse a charger; each says what a person can do about it."""

from __future__ import annotations

from collections.abc import Mapping


class OptionError(Exception):
    """An option nobody can start with: its name, what is wrong, what to write instead."""

    def __init__(self, option: str, problem: str, remedy: str) -> None:
        super().__init__(f"option {option}: {problem}; {remedy}")
        self.option = option


class RefusalError(Exception):
    """An HTTP answer instead of 101: `text` goes to the charger, `reason` into the log.

    `text` is one line without addresses or exception texts. `level` is the log level's name.
    """

    def __init__(
        self,
        status: int,
        text: str,
        reason: str = "",
        *,
        level: str = "warning",
        headers: Mapping[str, str] | None = None,
        cause: str = "",
    ) -> None:
        super().__init__(reason or text)
        self.status = status
        self.text = text
        self.reason = reason or text
        self.level = level
        self.headers = dict(headers or {})
        self.cause = cause or f"refused {status}"
