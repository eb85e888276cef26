"""The lines of s6-rc and its companions, on the container's standard error."""

import os


class Log:
    """`verbosity` is S6_VERBOSITY: 1 hides the start and stop chatter."""

    def __init__(self, verbosity: int) -> None:
        self.verbosity = verbosity

    def info(self, text: str) -> None:
        if self.verbosity >= 2:
            self.line(f"s6-rc: info: {text}")

    def warning(self, text: str) -> None:
        if self.verbosity >= 1:
            self.line(f"s6-rc: warning: {text}")

    @staticmethod
    def line(text: str) -> None:
        os.write(2, f"{text}\n".encode())
