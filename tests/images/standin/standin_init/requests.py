"""What a program in the container may ask of PID 1."""

import sys
from typing import NoReturn

from standin_init.layout import REQUESTS

NOT_PROVIDED = 70


def request(what: str) -> None:
    """`halt`, or `not-provided` for an immediate end with exit code 70."""
    with REQUESTS.open("w") as pipe:
        pipe.write(f"{what}\n")


def not_provided(what: str) -> NoReturn:
    """One line, the end of the container and of this program."""
    print(f"stand-in: fatal: not provided: {what}", file=sys.stderr, flush=True)
    request("not-provided")
    sys.exit(NOT_PROVIDED)
