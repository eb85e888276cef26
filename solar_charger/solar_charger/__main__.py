"""How the program starts: the first word decides which program it is; the exit code says why it
ended: 0 stopped, 1 bad option (nothing else), 70 an error nobody foresaw.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

EXIT_BAD_OPTION = 1
EXIT_UNEXPECTED = 70


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the charger, the simulator or the relay."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Looked at before anything is imported: the relay runs where no dependency is installed.
    if words[:1] == ["relay"]:
        from . import relay_server

        return relay_server.main(words[1:])
    if words[:1] == ["simulate"]:
        from .simulator import commandline as simulator

        return simulator.main(words[1:])
    return _charge(words)


def _charge(words: Sequence[str]) -> int:
    from . import commandline, logs, service
    from .errors import OptionError

    logs.configure("info")
    try:
        return service.run(commandline.read(words))
    except OptionError as error:
        logs.get().fatal("%s", error)
        return EXIT_BAD_OPTION
    except KeyboardInterrupt:
        return 0
    except Exception:  # noqa: BLE001 - whatever it is, it must not look like a bad option
        logs.get().exception("unexpected error, please report it")
        return EXIT_UNEXPECTED


if __name__ == "__main__":
    sys.exit(main())
