"""Page and API as a whole: binds the listeners, starts and ends them beside the event loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .. import logs
from .door import ALWAYS, anybody, only, open_door
from .rules import Site
from .serving import Serving
from .site import application
from .stream import Streams

if TYPE_CHECKING:
    from . import Backend, Listeners

log = logs.get("page")

THREADS = 8
"""Four may be taken by streams for long."""
FEW_THREADS = 4
"""For the listener that has no streams."""


class Server:
    """See the contract in this package's docstring. `always` and `streams` are there for tests.

    Raises OptionError when a port cannot be had.
    """

    def __init__(
        self,
        backend: Backend,
        listeners: Listeners,
        *,
        always: Iterable[str] = ALWAYS,
        streams: Streams | None = None,
    ) -> None:
        self._listeners = listeners
        self._streams = streams or Streams(backend)
        doors = {}
        if listeners.page_port:
            doors["page"] = open_door(
                listeners.page_host, listeners.page_port, "--page",
                only(listeners.page_allow, always),
            )  # fmt: skip
        if listeners.api_port:
            try:
                doors["api"] = open_door(listeners.api_host, listeners.api_port, "--api", anybody)
            except BaseException:
                for door in doors.values():
                    door.close()
                raise
        self._serving = {}
        for name, door in doors.items():
            site = _site(name, listeners)
            self._serving[name] = Serving(
                application(backend, site, self._streams), door, f"http-{name}",
                THREADS if site.page else FEW_THREADS,
            )  # fmt: skip

    @property
    def page_port(self) -> int:
        """The port of the page; 0: there is none."""
        return self._serving["page"].port if "page" in self._serving else 0

    @property
    def api_port(self) -> int:
        """The port of the API; 0: there is none."""
        return self._serving["api"].port if "api" in self._serving else 0

    @property
    def accepting(self) -> bool:
        """Whether every listener accepts."""
        return all(serving.accepting for serving in self._serving.values())

    def start(self) -> None:
        """Begin to answer; returns at once."""
        for serving in self._serving.values():
            serving.start()
        if self.page_port:
            log.info("the page is on port %d", self.page_port)
        if self.api_port:
            key = "" if self._listeners.api_key else ", commands from private addresses only"
            log.info("the API is on port %d, with the page for your network%s", self.api_port, key)

    def stop(self) -> None:
        """End streams and listeners; returns within 5 s."""
        self._streams.stopping.set()
        for serving in self._serving.values():
            serving.end()
        for serving in self._serving.values():
            serving.join()


def _site(name: str, listeners: Listeners) -> Site:
    if name == "page":
        return Site(name, page=True, health=True, ingress=True, guarded=False)
    return Site(
        name, page=not listeners.supervised, health=False, ingress=False, guarded=True,
        api_key=listeners.api_key,
    )  # fmt: skip
