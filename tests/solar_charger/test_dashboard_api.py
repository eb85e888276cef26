"""Every path of both APIs: what it answers, what it asks of the event loop, what it refuses."""

from __future__ import annotations

import csv
import io
import json
import math
import socket
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solar_charger.commands import Action, Actor, refused
from solar_charger.dashboard.answers import text_of
from solar_charger.dashboard.bodies import BodyError, member, read_object
from solar_charger.dashboard.queries import QueryError, moment, period

from tests.solar_charger.dashboard_backend import NOW, VIN, Served, ask, iso, serving


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture
def served(shared: Served) -> Served:
    backend = shared.backend
    backend.requests.clear()
    backend.answers.clear()
    backend.journal.asked.clear()
    backend.known, backend.well, backend.journal.broken = True, True, False
    return shared


def listeners(served: Served) -> list[str]:
    return [served.api, served.page]


READS = {
    "/api/envoy_data": "production_watts",
    "/api/charging/config": "mode_ext",
    "/api/charger_status": "ble_backoff_remaining",
    "/api/twc/vehicle_connected": "connected",
    "/api/twc/status": "vehicle_current_a",
    "/api/v1/state": "next_decision_s",
    "/api/v1/settings": "max_amps",
    "/api/v1/commands/17": "state",
    "/api/v1/history": "columns",
}
WRITES: list[tuple[str, Any, Action, Any]] = [
    ("/api/charging/mode", {"mode": "manual"}, Action.MODE, "manual"),
    ("/api/charging/mode", {"mode": 7}, Action.MODE, 7),
    ("/api/charging/solar_takeover", None, Action.TAKEOVER, True),
    ("/api/charging/clear_takeover", None, Action.TAKEOVER, False),
    ("/api/set_charger_status", {"mode": "SOLAR"}, Action.FOREIGN_STATUS, {"mode": "SOLAR"}),
    ("/api/v1/settings", {"max_amps": 32}, Action.SETTINGS, {"max_amps": 32}),
    ("/api/v1/live", {"live": True}, Action.LIVE, True),
    ("/api/v1/charge", {"action": "stop"}, Action.CHARGE, "stop"),
    ("/api/v1/pairing/key", {"replace": True}, Action.PAIRING_KEY, True),
    ("/api/v1/pairing/key", {}, Action.PAIRING_KEY, False),
    ("/api/v1/pairing/key", None, Action.PAIRING_KEY, False),
    ("/api/v1/pairing/import", {"private_key_pem": "x"}, Action.PAIRING_IMPORT,
     {"private_key_pem": "x"}),
    ("/api/v1/pairing/request", {}, Action.PAIRING_REQUEST, None),
    ("/api/v1/pairing/check", None, Action.PAIRING_CHECK, None),
    ("/api/v1/sources/envoy/test", {}, Action.TEST_SOURCE, "envoy"),
]  # fmt: skip
WANT_BODY = [
    "/api/charging/mode", "/api/set_charger_status", "/api/v1/settings", "/api/v1/live",
    "/api/v1/charge", "/api/v1/pairing/import",
]  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_a_read_answers_json_on_both_listeners(served: Served, path: str) -> None:
    for base in listeners(served):
        answer = ask(base + path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert READS[path] in answer.json()


@pytest.mark.parametrize("path", list(READS)[:1] + list(READS)[2:5])
def test_before_the_first_reading_there_is_no_data(served: Served, path: str) -> None:
    served.backend.known = False
    answer = ask(served.api + path)
    assert answer.status_code == 503
    assert answer.json() == {"status": "error", "message": "no data"}


@pytest.mark.parametrize(("path", "body", "action", "value"), WRITES)
def test_a_command_reaches_the_loop_with_its_value_as_it_came(
    served: Served, path: str, body: Any, action: Action, value: Any
) -> None:
    more = {} if body is None else {"json": body}
    answer = ask(served.api + path, "POST", **more)
    assert answer.status_code in (200, 202)
    (request,) = served.backend.requests
    assert (request.action, request.value, request.actor) == (action, value, Actor.API)
    assert type(request.value) is type(value)


@pytest.mark.parametrize(("path", "body", "action", "value"), WRITES)
def test_a_refusal_of_the_loop_is_passed_on_as_it_is(
    served: Served, path: str, body: Any, action: Action, value: Any
) -> None:
    served.backend.answers[action] = refused(409, "not while it is dark")
    answer = ask(served.page + path, "POST", json={} if body is None else body)
    assert answer.status_code == 409
    assert answer.json() == {"status": "error", "message": "not while it is dark"}


def test_the_page_is_named_as_actor_and_a_program_on_the_same_port_is_not(served: Served) -> None:
    url = served.page + "/api/charging/mode"
    ask(url, "POST", json={"mode": "OFF"}, headers={"Origin": served.page})
    ask(url, "POST", json={"mode": "OFF"})
    assert [request.actor for request in served.backend.requests] == [Actor.UI, Actor.API]


@pytest.mark.parametrize("path", WANT_BODY)
@pytest.mark.parametrize(
    "raw",
    [
        b"", b"   ", b"{", b"[]", b"null", b'"SOLAR"', b"17", b"\xff\xfe", b'{"mode": NaN}',
        b'{"mode": 1e999}', b'{"mode": "\\ud800"}', b"[" * 60_000, b'{"a":' * 2000,
        b'{"mode": ' + b"9" * 5000 + b"}", b'{"a":' * 25 + b"1" + b"}" * 25,
    ],
)  # fmt: skip
def test_a_body_that_is_no_object_is_refused_and_changes_nothing(
    served: Served, path: str, raw: bytes
) -> None:
    answer = ask(served.api + path, "POST", data=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["status"] == "error"
    assert "send {" in answer.json()["message"]
    assert not served.backend.requests


@pytest.mark.parametrize("path", ["/api/charging/mode", "/api/v1/live", "/api/v1/charge"])
def test_a_missing_member_is_named(served: Served, path: str) -> None:
    answer = ask(served.api + path, "POST", json={"other": 1})
    assert answer.status_code == 400
    assert "is missing" in answer.json()["message"]
    assert not served.backend.requests


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404), ("GET", "/api/charging/mode/", 404), ("GET", "//api", 404),
        ("POST", "/api/v2/state", 404), ("GET", "/api/v1/commands/18", 404),
        ("GET", "/api/v1/commands/x", 404), ("GET", "/api/charging/mode", 405),
        ("POST", "/api/envoy_data", 405), ("DELETE", "/api/v1/settings", 405),
        ("OPTIONS", "/api/charging/mode", 405), ("PUT", "/api/charging/mode", 405),
        ("PATCH", "/nothing", 404), ("GET", "/static/../server.py", 404),
        ("GET", "/static/%2e%2e/dashboard/server.py", 404), ("GET", "/static/none.js", 404),
    ],
)  # fmt: skip
def test_unknown_paths_and_methods_answer_in_the_same_shape(
    served: Served, method: str, path: str, status: int
) -> None:
    answer = ask(served.api + path, method)
    assert answer.status_code == status
    assert set(answer.json()) == {"status", "message"}
    assert answer.json()["status"] == "error"


def raw_answer(served: Served, request: bytes) -> bytes:
    """Bytes to the API's port and all that comes back."""
    with socket.create_connection(("127.0.0.1", served.server.api_port), timeout=10) as sock:
        sock.sendall(request)
        parts = []
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"NONSENSE\r\n\r\n",
        b"POST /api/charging/mode HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
    ],
)
def test_malformed_http_is_refused_in_json_too(served: Served, request_bytes: bytes) -> None:
    head, _, body = raw_answer(served, request_bytes).partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.0 4", b"HTTP/1.1 4"))
    assert json.loads(body)["status"] == "error"


def test_an_answer_does_not_name_the_server_and_is_not_kept(served: Served) -> None:
    headers = ask(served.api + "/api/charging/config").headers
    assert "waitress" not in str(headers).lower()
    assert "werkzeug" not in str(headers).lower()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_history_is_of_the_last_24_hours_of_the_apps_own_clock(served: Served) -> None:
    answer = ask(served.api + "/api/v1/history?step=600").json()
    (begin, end, step), wall = served.backend.journal.asked[-1], served.backend.view.wall
    assert (begin, end, step) == (wall - 86400, wall, 600)
    assert answer["columns"][:3] == ["ts_utc", "pv_w", "grid_w"]
    assert len(answer["rows"][0]) == len(answer["columns"])


def test_history_of_a_time_asked_for(served: Served) -> None:
    query = {"from": iso(NOW - 7200), "to": "2026-06-21T18:20:00+01:00"}
    assert ask(served.api + "/api/v1/history", params=query).status_code == 200
    assert served.backend.journal.asked[-1] == (NOW - 7200, NOW, 10)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("history?from=yesterday", "from"), ("history?to=1e9", "to"), ("history?step=0", "step"),
        ("history?step=-5", "step"), ("history?step=x", "step"), ("history?step=100000", "step"),
        ("history?from=2026-06-21T10:00:00Z&to=2026-06-21T10:00:00Z", "from"),
        ("sessions?limit=0", "limit"), ("sessions?limit=many", "limit"),
        ("audit?limit=-1", "limit"),
        ("audit?before=x", "before"), ("audit?before=", "before"),
        ("audit?before=99999999999999999999999", "before"), ("audit?limit=%F0%9F%92%A1", "limit"),
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be_used_is_named(served: Served, path: str, named: str) -> None:
    answer = ask(f"{served.api}/api/v1/{path}")
    assert answer.status_code == 400
    assert named in answer.json()["message"]
    assert not served.backend.journal.asked


def test_lists_are_newest_first_and_at_most_500(served: Served) -> None:
    lines = ask(served.api + "/api/v1/audit?limit=100000").json()
    assert served.backend.journal.asked[-1] == (None, 500)
    assert [line["id"] for line in lines] == sorted((line["id"] for line in lines), reverse=True)
    older = ask(f"{served.api}/api/v1/audit?before={lines[1]['id']}&limit=1").json()
    assert older == lines[2:3]
    assert len(ask(served.api + "/api/v1/sessions?limit=2").json()) == 2


def test_the_audit_log_is_a_csv_file(served: Served) -> None:
    answer = ask(served.api + "/api/v1/audit.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0][:4] == ["id", "ts_utc", "mono", "actor"]
    assert len(rows) == 1 + len(served.backend.journal.lines)


def test_the_support_bundle_holds_everything_and_no_secret(served: Served) -> None:
    answer = ask(served.api + "/api/v1/support.zip")
    assert answer.headers["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    names = {name.removeprefix("solar_charger/") for name in archive.namelist()}
    assert names >= {
        "about.json", "state.json", "settings.json", "options.json", "audit.csv", "log.txt",
        "history.json", "sessions.json", "health.json",
    }  # fmt: skip
    everything = "".join(archive.read(name).decode() for name in archive.namelist())
    assert VIN not in everything
    assert "eyJhbGci" not in everything
    assert "5YJ…7000" in everything


def test_a_broken_store_is_an_error_and_still_gives_a_support_bundle(served: Served) -> None:
    served.backend.journal.broken = True
    for path in ("history", "sessions", "audit", "audit.csv"):
        answer = ask(f"{served.api}/api/v1/{path}")
        assert answer.status_code == 503
        assert "disk I/O error" in answer.json()["message"]
    archive = zipfile.ZipFile(io.BytesIO(ask(served.api + "/api/v1/support.zip").content))
    assert b"not readable" in archive.read("solar_charger/audit.csv")


def test_an_error_nobody_foresaw_is_said_without_details(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.backend, "config", lambda: 1 / 0)
    answer = ask(served.api + "/api/charging/config")
    assert answer.status_code == 500
    assert "zero" not in answer.text
    assert answer.json()["status"] == "error"


def test_health_says_what_is_wrong_with_503(served: Served) -> None:
    assert ask(served.page + "/health").json()["status"] == "ok"
    served.backend.well = False
    assert ask(served.page + "/health").status_code == 503


def test_head_answers_without_a_body_and_takes_no_stream(served: Served) -> None:
    for _ in range(6):
        assert ask(served.api + "/api/v1/stream", "HEAD").status_code == 200
    assert ask(served.api + "/api/v1/state", "HEAD").content == b""


def test_a_value_that_is_no_number_becomes_null() -> None:
    assert json.loads(text_of({"a": math.nan, "b": [math.inf, 1.5], "c": "NaN"})) == {
        "a": None, "b": [None, 1.5], "c": "NaN",
    }  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=500)  # the reader is json's; its limits are what is looked at
def test_any_json_object_is_read_as_it_is_and_nothing_else(value: Any) -> None:
    try:
        raw = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    try:
        found = read_object(raw)
    except BodyError:
        plain = text_of(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        assert not isinstance(value, dict) or not plain
        return
    assert found == value


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_body_error(raw: bytes) -> None:
    with suppress(BodyError):
        assert isinstance(read_object(raw), dict)


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_a_query_error(text: str) -> None:
    with suppress(QueryError):
        assert math.isfinite(moment("from", text))


def test_a_time_with_a_plus_that_became_a_space_is_understood() -> None:
    assert moment("to", "2026-06-21T18:20:00 01:00") == moment("to", "2026-06-21T17:20:00Z")
    assert period(None, None, NOW) == (NOW - 86400, NOW)


def test_a_member_is_taken_with_its_own_type() -> None:
    assert member(b'\xef\xbb\xbf{"live": 1.5}', "live", "{}") == 1.5
