"""`python -m solar_charger.relay_server`, where the console script is not installed."""

import sys

from . import main

sys.exit(main(sys.argv[1:]))
