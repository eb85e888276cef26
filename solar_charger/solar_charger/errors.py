"""What can go wrong on the owner's side; each message says what to do."""

from __future__ import annotations


class SolarChargerError(Exception):
    """Base of all errors a person can mend."""


class TraceError(SolarChargerError):
    """A recorded day cannot be read: the message names file or line and the form it wants."""


class SimulationError(SolarChargerError):
    """A wish of the command line that the simulator cannot fulfil."""


class OptionError(SolarChargerError):
    """An option nobody can start with: its name, what is wrong, what to write instead."""

    def __init__(self, option: str, problem: str, remedy: str) -> None:
        super().__init__(f"option {option}: {problem}; {remedy}")
        self.option = option
