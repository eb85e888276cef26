"""The car without a radio, as a program."""

from .program import main

main()
