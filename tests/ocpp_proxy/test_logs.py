"""What a reader of the Log tab sees, and what no stranger can make of it."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_proxy import logs


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def lines(level: str = "trace", **more: object) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(level, stream=stream, **more)  # type: ignore[arg-type]
    return stream


def test_a_line_reads_as_home_assistant_users_know_it() -> None:
    stream = lines()
    logs.get().notice("ready")
    logs.get("mqtt").fatal("no port %d", 7)
    first, second = stream.getvalue().splitlines()
    assert re.fullmatch(r"\[\d\d:\d\d:\d\d\] NOTICE: ready", first)
    assert re.fullmatch(r"\[\d\d:\d\d:\d\d\] FATAL \(mqtt\): no port 7", second)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("trace", ["TRACE", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "FATAL"]),
        ("notice", ["NOTICE", "WARNING", "ERROR", "FATAL"]),
        ("fatal", ["FATAL"]),
    ],
)
def test_the_option_decides_from_which_level_on_lines_appear(
    level: str, expected: list[str]
) -> None:
    stream = lines(level)
    for name in logs.LEVELS:
        logs.get().line(name, "text")
    assert re.findall(r"\] ([A-Z]+):", stream.getvalue()) == expected


def test_an_unknown_level_is_refused_with_the_list_of_levels() -> None:
    with pytest.raises(ValueError, match="trace, debug, info"):
        logs.configure("verbose")


def test_configuring_again_does_not_double_the_lines() -> None:
    lines()
    stream = lines("info")
    logs.get().info("once")
    assert stream.getvalue().count("once") == 1


@given(st.text())
def test_no_text_makes_a_second_line_or_a_control_character(text: str) -> None:
    record = logging.LogRecord("app", logging.INFO, "", 0, "%s", (text,), None)
    line = logs.LineFormatter().format(record)
    assert line.isprintable() or not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]", line)
    assert len(line.splitlines()) == 1
    line.encode()


def test_escapes_show_what_was_sent() -> None:
    assert logs.escape("a\r\n[12:00:00] FATAL: forged\x1b[0m") == (
        "a\\r\\n[12:00:00] FATAL: forged\\x1b[0m"
    )


def test_an_endless_text_is_cut_and_says_so() -> None:
    stream = lines()
    logs.get().info("x" * 10_000)
    assert "… (6000 more characters)" in stream.getvalue()
    assert len(stream.getvalue()) < 4100


def test_secrets_are_taken_out_before_the_line_is_written() -> None:
    stream = lines(redact=lambda text: text.replace("hunter2", "***"))
    logs.get().error("password %s", "hunter2")
    try:
        raise RuntimeError("hunter2")
    except RuntimeError:
        logs.get().error("failed", exc_info=True)
    assert "hunter2" not in stream.getvalue()
    assert "password ***" in stream.getvalue()


def test_a_vin_is_shortened_above_debug_and_whole_below() -> None:
    stream = lines()
    logs.get().info("car 5YJ3E1EA0KF000000 asleep")
    logs.get().debug("car 5YJ3E1EA0KF000000 asleep")
    info, debug = stream.getvalue().splitlines()
    assert info.endswith("car 5YJ…0000 asleep")
    assert debug.endswith("car 5YJ3E1EA0KF000000 asleep")


@pytest.mark.parametrize(
    "text", ["12345678901234567", "ABCDEFGHJKLMNPRST", "5YJ3E1EA0KF0000001", "5YJ3E1EA0KF00000O"]
)
def test_other_long_words_are_left_alone(text: str) -> None:
    assert logs.shorten_vins(text) == text


def test_a_traceback_keeps_the_line_form() -> None:
    stream = lines()
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logs.get("relay").exception("unexpected")
    written = stream.getvalue().splitlines()
    assert all(re.match(r"\[\d\d:\d\d:\d\d\] ERROR \(relay\): ", line) for line in written)
    assert written[-1].endswith("second")


def test_chatty_libraries_stay_at_warning_even_at_trace() -> None:
    stream = lines("trace")
    for name in ("websockets.server", "websockets.client", "urllib3.connectionpool"):
        logging.getLogger(name).debug("Authorization: Basic c2VjcmV0")
        logging.getLogger(name).warning("%s noticed something", name)
    assert "Authorization" not in stream.getvalue()
    assert stream.getvalue().count("noticed something") == 3
    assert "WARNING (websockets): " in stream.getvalue()


def test_one_line_a_minute_for_each_cause_and_address() -> None:
    limiter = logs.RateLimiter()
    assert limiter.admit("bad path", "192.0.2.1", 0.0) == 0
    assert limiter.admit("bad path", "192.0.2.1", 1.0) is None
    assert limiter.admit("bad path", "192.0.2.1", 59.9) is None
    assert limiter.admit("bad path", "192.0.2.2", 2.0) == 0
    assert limiter.admit("too long", "192.0.2.1", 2.0) == 0
    assert limiter.admit("bad path", "192.0.2.1", 60.0) == 2
    assert limiter.admit("bad path", "192.0.2.1", 120.0) == 0


def test_a_flood_from_ever_new_addresses_fills_neither_table_nor_log() -> None:
    limiter = logs.RateLimiter(capacity=100)
    admitted = [limiter.admit("bad path", f"2001:db8::{n:x}", n / 1000) for n in range(10_000)]
    assert sum(answer is not None for answer in admitted) == 101
    assert limiter.admit("bad path", "2001:db8::ffff:1", 61.0) == 0
    assert len(limiter._last) <= 100


def test_the_next_line_says_how_many_were_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = lines("info")
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(logs, "_LIMITER", logs.RateLimiter())
    for _ in range(4):
        logs.get().limited("warning", "path", "192.0.2.1", "bad path from %s", "192.0.2.1")
    logs.get().limited("debug", "path", "192.0.2.9", "not at this level")
    now[0] += 60
    logs.get().limited("warning", "path", "192.0.2.1", "bad path from %s", "192.0.2.1")
    first, second = stream.getvalue().splitlines()
    assert first.endswith("WARNING: bad path from 192.0.2.1")
    assert second.endswith("bad path from 192.0.2.1 (3 more like this were not logged)")
