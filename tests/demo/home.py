"""`make home`: the apps in a real Home Assistant on this machine, until Ctrl-C or for a while.

Standard library only: makes the stand's environment ready and goes on in it.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from tests import environments
from tests.environments import EnvironmentNotReady


def main() -> NoReturn:
    """Replaces this process, or ends it with one line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="make home")
    parser.add_argument("--seconds", type=float, help="end after this time instead of at Ctrl-C")
    parser.add_argument("apps", nargs="*", help="only these apps")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("home: containers with a network of their own need root")
    try:
        python = environments.make_ready(environments.folder_environment("stand"))
    except EnvironmentNotReady as failure:
        sys.exit(f"home: {failure}")
    command = [str(python), "-m", "tests.demo.household", *arguments.apps]
    if arguments.seconds is not None:
        command += ["--seconds", str(arguments.seconds)]
    variables = {**os.environ, "PYTHONPATH": environments.python_path(), "PYTHONUNBUFFERED": "1"}
    os.chdir(environments.ROOT)
    os.execve(python, command, variables)


if __name__ == "__main__":
    main()
