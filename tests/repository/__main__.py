"""`python -m tests.repository [FOLDER]`: prints every finding; exit 1 if there is any."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.repository.checks import check_repository


def main() -> int:
    """Checks the folder named on the command line, else the current one."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd()
    findings = check_repository(root)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
