"""The API of the older dashboards and chargers: its paths, names and answers stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from ..commands import Action, Request
from . import rules
from .answers import error, json_answer
from .bodies import member, read_object

if TYPE_CHECKING:
    from . import Backend

NO_DATA = "no data"


class ChargerApi:
    """`/api/…` without a version."""

    def __init__(self, backend: Backend, site: rules.Site) -> None:
        self._backend = backend
        self._site = site

    def connect(self, app: Flask) -> None:
        """Add the paths."""
        backend = self._backend
        routes = [
            ("/api/envoy_data", "GET", lambda: _or_no_data(backend.envoy_data())),
            ("/api/charger_status", "GET", lambda: _or_no_data(backend.charger_status())),
            ("/api/twc/vehicle_connected", "GET", lambda: _or_no_data(backend.twc_connected())),
            ("/api/twc/status", "GET", lambda: _or_no_data(backend.twc_status())),
            ("/api/charging/config", "GET", lambda: json_answer(backend.config())),
            ("/api/charging/mode", "POST", self.mode),
            ("/api/charging/solar_takeover", "POST", lambda: self._takeover(True)),
            ("/api/charging/clear_takeover", "POST", lambda: self._takeover(False)),
            ("/api/set_charger_status", "POST", self.foreign_status),
        ]
        for path, method, view in routes:
            app.add_url_rule(path, path, view, methods=[method], provide_automatic_options=False)

    def mode(self) -> Response:
        """`{"mode": "SOLAR"}`."""
        word = member(request.get_data(), "mode", '{"mode": "SOLAR"}')
        return self._submit(Action.MODE, word)

    def foreign_status(self) -> Response:
        """Another charger's status record."""
        return self._submit(
            Action.FOREIGN_STATUS, read_object(request.get_data(), '{"mode": "SOLAR", "amps": 24}')
        )

    def _takeover(self, wanted: bool) -> Response:
        return self._submit(Action.TAKEOVER, wanted)

    def _submit(self, action: Action, value: Any) -> Response:
        who = rules.actor(self._site, request.headers)
        answer = self._backend.submit(Request(action, value, who))
        return json_answer(answer.body, answer.status)


def _or_no_data(value: dict[str, Any] | None) -> Response:
    return error(503, NO_DATA) if value is None else json_answer(value)
