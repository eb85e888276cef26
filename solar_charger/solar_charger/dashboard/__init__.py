"""Pages and HTTP API: Flask under waitress in threads beside the event loop.

This module is the contract between the two; it imports nothing heavy.

What the shell does. `service.py` makes one `Listeners` from the command line and calls
`dashboard.server.Server(backend, listeners)`; the constructor binds every socket and raises
`errors.OptionError` naming `--page-port` or `--api-port` where one is taken. Then `start()`, which
returns at once, and in the end `stop()`, which returns within 5 s. `accepting` is True while all
listeners accept; `/health` and the watchdog ask it.

What the pages may do. Everything goes through `Backend`, every method of which may be called from
any thread and none of which raises for a bad request: a refusal is an `Answer`. What they read is
made by the event loop and swapped as a whole (`View`); nothing read here may be changed. What they
want done is a `Request`; `submit` hands it to the event loop, waits, and gives the answer as it is
to be sent: HTTP status and JSON body, both as the API promises them (errors are
`{"status":"error","message":…}`). The paths and the requests they become:

    POST /api/charging/mode               Request(Action.MODE, mode, actor)
    POST /api/charging/solar_takeover     Request(Action.TAKEOVER, True, actor)
    POST /api/charging/clear_takeover     Request(Action.TAKEOVER, False, actor)
    POST /api/set_charger_status          Request(Action.FOREIGN_STATUS, record, actor)
    POST /api/v1/settings                 Request(Action.SETTINGS, object, actor)
    POST /api/v1/live                     Request(Action.LIVE, live, actor)
    POST /api/v1/charge                   Request(Action.CHARGE, action, actor)
    POST /api/v1/pairing/key              Request(Action.PAIRING_KEY, replace, actor)
    POST /api/v1/pairing/import           Request(Action.PAIRING_IMPORT, object, actor)
    POST /api/v1/pairing/request, check   Request(Action.PAIRING_REQUEST / PAIRING_CHECK, None, …)
    POST /api/v1/sources/<name>/test      Request(Action.TEST_SOURCE, name, actor)

`value` is what the body's member held, unchecked: types and ranges are the commands' business, so
that MQTT and HTTP are refused in the same words. `actor` is Actor.UI from the page, Actor.API from
8080 without the page. What stays here: content types, sizes, origins, keys, addresses, methods.

    GET /api/charging/config              backend.config()
    GET /api/charger_status               backend.charger_status()       None: 503
    GET /api/envoy_data                   backend.envoy_data()           None: 503
    GET /api/twc/vehicle_connected        backend.twc_connected()        None: 503
    GET /api/twc/status                   backend.twc_status()           None: 503
    GET /api/v1/state, /api/v1/stream     backend.state(); backend.newer_than(number, seconds)
    GET /api/v1/settings                  backend.settings()
    GET /api/v1/commands/<id>             backend.command(id)            None: 404
    GET /api/v1/history, sessions, audit  backend.journal
    GET /health (8099 only)               backend.health()
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..commands import Answer, Request
    from ..view import View

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where to listen; a port of 0 means no such listener."""

    page_host: str = "0.0.0.0"
    page_port: int = 8099
    page_allow: tuple[str, ...] = ()
    """Networks (CIDR) that may see 8099 beside ingress and loopback."""
    api_host: str = "0.0.0.0"
    api_port: int = 8080
    api_key: str = ""
    """Wanted with each POST on the API's port; empty: private source addresses only."""
    supervised: bool = False
    """There is a Supervisor: the page then is on the page's port alone."""


class JournalReader(Protocol):
    """Reads of the stored past. Each call takes its own connection, in the caller's thread.

    An unreadable store raises `journal.JournalError`.
    """

    def history(self, begin: float, end: float, step_s: int) -> tuple[list[str], list[list[Any]]]:
        """Columns of `samples` and rows from `begin` to `end` (epoch s), means of `step_s` s.

        At most 9000 rows: the step is widened to fit. The first column, `ts_utc`, is ISO 8601.
        """

    def sessions(self, limit: int) -> list[Json]:
        """The newest charging sessions, 1…500."""

    def audit(self, before: int | None, limit: int) -> list[Json]:
        """Newest first, 1…500, with ids below `before`; VIN, tokens and keys are masked."""

    def audit_csv(self) -> Iterator[str]:
        """The whole audit log, header first, line by line."""


class Backend(Protocol):
    """What the event loop offers to the threads of the pages."""

    @property
    def view(self) -> View:
        """What is known now; one object, never changed."""

    @property
    def journal(self) -> JournalReader:
        """The stored past."""

    def newer_than(self, number: int, seconds: float) -> View | None:
        """Wait up to `seconds` (of real time) for a view with a higher `number`."""

    def submit(self, request: Request, timeout_s: float = 25.0) -> Answer:
        """Carry out; 503 when the loop does not answer in time or another instance is in charge."""

    def state(self) -> Json:
        """State document, status record, `sources`, `next_decision_s`, `setup`; ages of now.

        `setup` = {vin, key, link, link_problem, car_read, can_go_live, dry_run_option, passive,
        version, public_key_pem}: what the wizard and the buttons need to know.
        """

    def config(self) -> Json:
        """`mode` (SOLAR or MANUAL), `mode_ext`, `solar_takeover_requested`."""

    def charger_status(self) -> Json | None:
        """The status record: a foreign charger's while it is young, else ours."""

    def envoy_data(self) -> Json | None:
        """Production and excess with their age; None before the first reading."""

    def twc_connected(self) -> Json | None:
        """`connected` and `data_age_seconds`; None before the first reading."""

    def twc_status(self) -> Json | None:
        """All vitals and `data_age_seconds`; None before the first reading."""

    def settings(self) -> Mapping[str, Json]:
        """{name: {"value": …, "from": "option" | "stored"}}."""

    def command(self, number: int) -> Json | None:
        """`state`, `result_class`, `text`, `duration_s` of a command accepted with 202."""

    def health(self) -> tuple[bool, Json]:
        """Whether this program itself is well, and the reasons: for 200 or 503 on `/health`."""

    def options_masked(self) -> Json:
        """The options as read, secrets and VIN masked: for the support bundle."""

    def log_lines(self) -> Sequence[str]:
        """The last log lines, as written: for the support bundle."""
