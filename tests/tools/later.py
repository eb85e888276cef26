"""A target whose time has not come says so in one line."""

import sys

if __name__ == "__main__":
    target, when = sys.argv[1:3]
    sys.exit(f"make {target}: nothing to do yet; this target begins to work once {when}.")
