"""What can go wrong before a service runs, and how a service fails to start or stop."""


class CompileError(Exception):
    """A fault in the definitions: the container idles with no service at all."""


class NotProvided(Exception):
    """Something s6-overlay knows and this stand-in does not: the container ends with 70."""


class ServiceFailure(Exception):
    """A service that did not start or stop; `code` is what s6-rc would report."""

    def __init__(self, code: int) -> None:
        super().__init__(f"command exited {code}")
        self.code = code
