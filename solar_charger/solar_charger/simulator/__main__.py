"""`python -m solar_charger.simulator` is `solar_charger simulate`."""

import sys

from .commandline import main

if __name__ == "__main__":
    sys.exit(main())
