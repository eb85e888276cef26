"""Ends a small command by becoming the program it was asked to run."""

import os
import signal
import sys
from collections.abc import Mapping
from typing import NoReturn

NOT_FOUND = 127
NOT_EXECUTABLE = 126


def become(name: str, argv: list[str], environment: Mapping[bytes, bytes]) -> NoReturn:
    """Exec `argv` in exactly `environment`; `name` speaks when that fails."""
    # Python ignores these two, and what is ignored stays so in the new program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], argv, dict(environment))
    except OSError as error:
        print(f"{name}: fatal: unable to exec {argv[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE)
