"""The address a wallbox asks for, cleaned without changing what it means."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ocpp_proxy.urls import BadTargetError, CleanTarget, clean

from ocpp_proxy import urls

_PIECES = st.lists(
    st.sampled_from(["/", "//", ".", "..", "%2e", "%2F", "%00", "a", "CP1", "?", "=", "é", " ",
                     "%", "\\", "#", "\r\n", "\t", "http://h", "ws://", ":", "%C3%A4"]),
    max_size=12,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/AcTec001", "/AcTec001"),
        ("//AcTec001", "/AcTec001"),
        ("///a//b", "/a/b"),
        ("/AcTec001/", "/AcTec001"),
        ("/AcTec001///", "/AcTec001"),
        ("AcTec001", "/AcTec001"),
        ("/", "/"),
        ("//", "/"),
        ("http://host//x", "/x"),
        ("ws://host:8888/ocpp/x", "/ocpp/x"),
        ("HTTP://host", "/"),
        ("/CP%201", "/CP%201"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%2fb", "/a%2fb"),
        ("/CP+1*|@=", "/CP+1*|@="),
        ("/...", "/..."),
        ("/" + "a" * 511, "/" + "a" * 511),
        ("/" * 600 + "a", "/a"),
    ],
)
def test_a_path_is_cleaned(raw: str, path: str) -> None:
    assert clean(raw) == CleanTarget(path)


@pytest.mark.parametrize("query", ["a=b", "cb=http://x", "//", "a=//b/../c", "x?y", "%00"])
def test_a_query_is_kept_byte_for_byte(query: str) -> None:
    assert clean(f"//CP1//?{query}") == CleanTarget("/CP1", query)


def test_a_bare_question_mark_means_no_query() -> None:
    assert clean("/CP1?") == CleanTarget("/CP1", "")


@pytest.mark.parametrize(
    "raw",
    [
        "/a\r\nX: y", "/a\tb", "/a\x00", "/a\x7f", "/a?b\n", "/%00", "/a%0d%0aX", "/%1F", "/%7f",
        "/%7F", "/a\\b", "/a#b", "/a?b#c", "/.", "/..", "/a/./b", "/a/../b", "/%2e", "/%2E%2e/a",
        "/.%2e", "/" + "a" * 512,
    ],
)  # fmt: skip
def test_what_nobody_may_ask_for_is_refused(raw: str) -> None:
    with pytest.raises(BadTargetError):
        clean(raw)


@given(_PIECES)
@example("http:////?")
def test_a_clean_path_is_safe_and_cleaning_again_changes_nothing(raw: str) -> None:
    try:
        target = clean(raw)
    except BadTargetError:
        return
    assert target.path.startswith("/")
    assert "//" not in target.path
    assert not {".", ".."} & set(target.path.lower().replace("%2e", ".").split("/"))
    assert not any(ord(char) < 32 or ord(char) == 127 for char in target.path + target.query)
    assert len(target.path) <= urls.LONGEST_PATH
    if "://" not in target.path:
        assert clean(target.path).path == target.path


@pytest.mark.parametrize(
    ("path", "station"),
    [
        ("/CP1", "CP1"),
        ("/ocpp/CP%201", "CP 1"),
        ("/a%2Fb", "a/b"),
        ("/%E4", "\ufffd"),
        ("/%C3%A4", "ä"),
        ("/", ""),
    ],
)
def test_the_station_id_is_the_decoded_last_segment(path: str, station: str) -> None:
    assert urls.station_id(path) == station


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "/ocpp/CP%201"),
        ({"last_segment": True}, "/CP%201"),
        ({"upstream_id": "Wall box/1"}, "/ocpp/Wall%20box%2F1"),
        ({"last_segment": True, "upstream_id": "ä"}, "/%C3%A4"),
        ({"last_segment": True, "prefix": "/steve/ws"}, "/steve/ws/CP%201"),
        ({"prefix": "/x"}, "/x/ocpp/CP%201"),
    ],
)
def test_the_upstream_path_follows_the_options(options: dict[str, object], path: str) -> None:
    assert urls.upstream_path("/ocpp/CP%201", **options) == path  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("station", "plain"),
    [("CP1", True), ("A*-_=:+|@. 9", True), ("", False), ("ä", False), ("a/b", False),
     ("x" * 48, True), ("x" * 49, False), ("a\n", False)],
)  # fmt: skip
def test_unusual_ids_are_recognised(station: str, plain: bool) -> None:
    assert urls.is_plain_id(station) is plain
