"""How the program starts: read what we are told, run, and end with a code that means something."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

# Only a bad option ends with 1, so that the service manager knows when trying again is no use.
EXIT_BAD_OPTION = 1
EXIT_UNEXPECTED = 70


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proxy; the exit code: 0 stopped, 1 bad option, 70 an error nobody foresaw."""
    # Before the rest is loaded, which takes seconds on a Pi: a stop in that time is none by force.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped_early)
    from . import commandline, logs, service
    from .errors import OptionError

    logs.configure("info")
    try:
        service.run(commandline.read(arguments))
    except OptionError as error:
        logs.get().fatal("%s", error)
        return EXIT_BAD_OPTION
    except KeyboardInterrupt:
        return 0
    except Exception:  # noqa: BLE001 - whatever it is, it must not look like a bad option
        logs.get().exception("unexpected error, please report it")
        return EXIT_UNEXPECTED
    return 0


def _stopped_early(_number: int, _frame: FrameType | None) -> None:
    # Not SystemExit: in the middle of an import it can come out as another error, with code 1.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
