"""What a check reports: where, what is wrong, what to write instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """One fault of the repository; `str()` is the line a person reads."""

    file: str
    wrong: str
    instead: str

    def __str__(self) -> str:
        return f"{self.file}: {self.wrong}; {self.instead}"
