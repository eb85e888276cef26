"""Close codes: what one leg's end means for the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.closing import (
    UpstreamEnd,
    close_reason,
    sendable,
    to_charger,
    to_upstream,
    upstream_end,
)
from ocpp_proxy.relay import Closed


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4000, 4999])
def test_codes_that_may_stand_in_a_close_frame(code: int) -> None:
    assert sendable(code)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_codes_that_may_not(code: int) -> None:
    assert not sendable(code)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Closed(1000, "bye"), Closed(1000, "bye")),
        (Closed(1001), Closed(1001)),
        (Closed(1009, "too big"), Closed(1009, "too big")),
        (Closed(4711, "own"), Closed(4711, "own")),
        (Closed(1005), Closed(1000)),
        (Closed(1006), Closed(1001, "charger connection lost")),
        (Closed(1004), Closed(1001, "charger connection lost")),
    ],
)
def test_what_upstream_is_told_when_the_charger_left(seen: Closed, told: Closed) -> None:
    assert to_upstream(seen) == told


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Closed(1011, "oops"), Closed(1011, "oops")),
        (Closed(1005), Closed(1000)),
        (Closed(1006), Closed(1012, "upstream lost")),
    ],
)
def test_what_the_charger_is_told_when_upstream_left(seen: Closed, told: Closed) -> None:
    assert to_charger(seen) == told


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 1010, 3000, 4999])
def test_codes_by_which_upstream_refuses(code: int) -> None:
    assert upstream_end(Closed(code, "no")) is UpstreamEnd.REFUSES


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014])
def test_codes_by_which_upstream_goes_away(code: int) -> None:
    assert upstream_end(Closed(code)) is UpstreamEnd.GOES_AWAY


def test_upstream_that_still_holds_a_dead_connection_is_recognised() -> None:
    seen = Closed(1008, "a connection with this ID already exists")
    assert upstream_end(seen) is UpstreamEnd.ALREADY_EXISTS


def test_a_reason_is_cut_between_characters() -> None:
    assert close_reason("ä" * 100) == "ä" * 61
    assert close_reason("a\r\nb\0c\x7f") == "abc"


@given(st.text(max_size=300), st.integers(0, 70_000))
def test_whatever_was_seen_what_is_told_can_be_sent(reason: str, code: int) -> None:
    for told in (to_upstream(Closed(code, reason)), to_charger(Closed(code, reason))):
        assert sendable(told.code)
        assert len(told.reason.encode()) <= 123
