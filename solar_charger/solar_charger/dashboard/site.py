"""One listener's Flask application: rules first, then page, APIs, health; every error is JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, render_template, request, send_from_directory
from werkzeug.exceptions import HTTPException

from .. import __version__, logs
from ..alarm_sentences import SENTENCES
from ..journal import JournalError
from ..networks import normalise
from . import rules
from .answers import error, json_answer, protect
from .bodies import BodyError
from .charger_api import ChargerApi
from .own_api import OwnApi
from .queries import QueryError

if TYPE_CHECKING:
    from . import Backend
    from .stream import Streams

log = logs.get("page")

STATIC = Path(__file__).parent.parent / "static"
CHART = STATIC / "vendor" / "uplot" / "uPlot.iife.min.js"
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_.~-]+)+")
_MESSAGES = {404: "there is nothing at this address", 405: "this address has no such method"}


def application(backend: Backend, site: rules.Site, streams: Streams) -> Flask:
    """Everything `site` offers."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    ChargerApi(backend, site).connect(app)
    if site.page:
        OwnApi(backend, site, streams).connect(app)
        _add_page(app, site)
    if site.health:
        _add(app, "/health", lambda: _health(backend))
    app.before_request(lambda: _check(site))
    app.after_request(protect)
    _handle_errors(app)
    return app


def _add(app: Flask, path: str, view: object) -> None:
    app.add_url_rule(path, path, view, methods=["GET"], provide_automatic_options=False)  # type: ignore[arg-type]


def _check(site: rules.Site) -> Response | None:
    if request.method != "POST" or request.routing_exception is not None:
        return None
    peer = normalise(request.remote_addr or "")
    length = request.content_length or 0
    refusal = rules.check_post(site, request.headers, peer, length, request.mimetype)
    if refusal is None:
        return None
    log.limited(
        "warning", f"refused {refusal.cause}", peer,
        "%s: POST %s refused: %s", peer, request.path, refusal.message,
    )  # fmt: skip
    return error(refusal.status, refusal.message)


def _health(backend: Backend) -> Response:
    well, report = backend.health()
    return json_answer(report, 200 if well else 503)


def _add_page(app: Flask, site: rules.Site) -> None:
    def index() -> Response:
        # Where the browser sees us; without it links are relative to the address it used.
        prefix = request.headers.get("X-Ingress-Path", "").rstrip("/") if site.ingress else ""
        base = f"{prefix}/" if _PREFIX.fullmatch(prefix) else ""
        page = render_template(
            "index.html",
            base=base,
            version=__version__,
            chart=CHART.exists(),
            sentences=SENTENCES,
        )
        return Response(page, content_type="text/html; charset=utf-8")

    def static(name: str) -> Response:
        made = send_from_directory(STATIC, name, conditional=True)
        made.headers["Cache-Control"] = "no-cache"
        return made

    _add(app, "/", index)
    _add(app, "/static/<path:name>", static)


def _handle_errors(app: Flask) -> None:
    def http(problem: HTTPException) -> Response:
        status = problem.code or 500
        made = error(status, _MESSAGES.get(status) or problem.description or problem.name)
        allowed = getattr(problem, "valid_methods", None)
        if status == 405 and allowed:
            made.headers["Allow"] = ", ".join(sorted(allowed))
        return made

    def bad_request(problem: Exception) -> Response:
        peer = normalise(request.remote_addr or "")
        log.limited("warning", "bad request", peer, "%s: %s: %s", peer, request.path, problem)
        return error(400, str(problem))

    def unreadable(problem: JournalError) -> Response:
        return error(503, str(problem))

    def unforeseen(problem: Exception) -> Response:
        log.error("unexpected error at %s, please report it", request.path, exc_info=problem)
        return error(500, "an error nobody foresaw; the log says more")

    app.register_error_handler(HTTPException, http)
    app.register_error_handler(BodyError, bad_request)
    app.register_error_handler(QueryError, bad_request)
    app.register_error_handler(JournalError, unreadable)
    app.register_error_handler(Exception, unforeseen)
