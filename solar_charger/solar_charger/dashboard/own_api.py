"""Our own API, `/api/v1/`: what the page is made of and what it can do."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from ..commands import Action, Request
from . import rules, support
from .answers import download, error, json_answer
from .bodies import member, read_object
from .queries import number, period, step

if TYPE_CHECKING:
    from . import Backend
    from .stream import Streams

PREFIX = "/api/v1/"
MOST_LINES, USUAL_LINES = 500, 100


class OwnApi:
    """`/api/v1/…`."""

    def __init__(self, backend: Backend, site: rules.Site, streams: Streams) -> None:
        self._backend = backend
        self._site = site
        self._streams = streams

    def connect(self, app: Flask) -> None:
        """Add the paths."""
        backend = self._backend
        self._add(app, "GET", "state", lambda: json_answer(backend.state()))
        self._add(app, "GET", "stream", self.stream)
        self._add(app, "GET", "settings", lambda: json_answer(backend.settings()))
        self._add(app, "GET", "commands/<int:number>", self.command)
        self._add(app, "GET", "history", self.history)
        self._add(app, "GET", "sessions", self.sessions)
        self._add(app, "GET", "audit", self.audit)
        self._add(app, "GET", "audit.csv", self.audit_csv)
        self._add(app, "GET", "support.zip", self.support)
        self._add(app, "POST", "settings", self.change_settings)
        self._add(app, "POST", "live", self._member(Action.LIVE, "live", '{"live": true}'))
        self._add(
            app, "POST", "charge", self._member(Action.CHARGE, "action", '{"action": "stop"}')
        )
        self._add(app, "POST", "pairing/key", self.make_key)
        self._add(app, "POST", "pairing/import", self.import_key)
        self._add(app, "POST", "pairing/request", self._bare(Action.PAIRING_REQUEST))
        self._add(app, "POST", "pairing/check", self._bare(Action.PAIRING_CHECK))
        self._add(app, "POST", "sources/<name>/test", self.test_source)

    def _add(self, app: Flask, method: str, path: str, view: Callable[..., Response]) -> None:
        name = f"{method} {path}".replace(".", " ")
        app.add_url_rule(
            PREFIX + path, name, view, methods=[method], provide_automatic_options=False
        )

    def stream(self) -> Response:
        """The state as server-sent events."""
        if request.method == "HEAD":
            return Response(content_type="text/event-stream")
        stream = self._streams.open()
        if stream is None:
            return error(503, "too many streams are open, ask for the state now and then instead")
        made = Response(stream, content_type="text/event-stream; charset=utf-8")
        made.headers["X-Accel-Buffering"] = "no"
        return made

    def command(self, number: int) -> Response:
        """What became of a command."""
        found = self._backend.command(number)
        return error(404, "there is no such command") if found is None else json_answer(found)

    def history(self) -> Response:
        """Samples of a time; the last 24 h unless said otherwise."""
        # The app's own clock: it may be a simulated one.
        now = self._backend.view.wall or time.time()
        begin, end = period(request.args.get("from"), request.args.get("to"), now)
        columns, rows = self._backend.journal.history(begin, end, step(request.args.get("step")))
        return json_answer({"columns": columns, "rows": rows})

    def sessions(self) -> Response:
        """Charging sessions, newest first."""
        return json_answer(self._backend.journal.sessions(_limit()))

    def audit(self) -> Response:
        """The audit log, newest first."""
        before = request.args.get("before")
        below = None if before is None else number("before", before, 0, 2**63 - 1)
        return json_answer(self._backend.journal.audit(below, _limit()))

    def audit_csv(self) -> Response:
        """The whole audit log as a file."""
        lines = self._backend.journal.audit_csv()
        # Two lines ahead: an unreadable store shall be an error and not half a file.
        first = list(itertools.islice(lines, 2))
        name = f"solar_charger-audit-{support.stamp(time.time())}.csv"
        return download(itertools.chain(first, lines), "text/csv; charset=utf-8", name)

    def support(self) -> Response:
        """Everything somebody who helps wants to see, without secrets."""
        name = f"solar_charger-support-{support.stamp(time.time())}.zip"
        return download(support.bundle(self._backend), "application/zip", name)

    def change_settings(self) -> Response:
        """Any settings: all of them or none."""
        return self._submit(Action.SETTINGS, read_object(request.get_data(), '{"max_amps": 32}'))

    def make_key(self) -> Response:
        """A key for the car."""
        body = read_object(request.get_data() or b"{}", '{"replace": false}')
        return self._submit(Action.PAIRING_KEY, body.get("replace", False))

    def import_key(self) -> Response:
        """A key that was made elsewhere."""
        example = '{"private_key_pem": "-----BEGIN …"}'
        return self._submit(Action.PAIRING_IMPORT, read_object(request.get_data(), example))

    def test_source(self, name: str) -> Response:
        """Ask a source now."""
        return self._submit(Action.TEST_SOURCE, name)

    def _member(self, action: Action, name: str, example: str) -> Callable[[], Response]:
        return lambda: self._submit(action, member(request.get_data(), name, example))

    def _bare(self, action: Action) -> Callable[[], Response]:
        return lambda: self._submit(action, None)

    def _submit(self, action: Action, value: Any) -> Response:
        who = rules.actor(self._site, request.headers)
        answer = self._backend.submit(Request(action, value, who))
        return json_answer(answer.body, answer.status)


def _limit() -> int:
    """At most 500, whatever is asked for."""
    text = request.args.get("limit", str(USUAL_LINES))
    return min(MOST_LINES, number("limit", text, 1, 2**63 - 1))
