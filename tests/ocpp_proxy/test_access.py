"""Passwords, address lists, slots and buckets."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.access import (
    FailureDelay,
    HandshakeSlots,
    Networks,
    TokenBucket,
    basic_credentials,
    normalise,
    password_fits,
)


def basic(raw: bytes) -> str:
    return "Basic " + base64.b64encode(raw).decode()


def test_the_example_of_the_ocpp_specification_fits_as_hexadecimal_key() -> None:
    header = "Basic QUwxMDAwOgABAgMEBQYH////////////////"
    assert basic_credentials(header) == (b"AL1000", bytes(range(8)) + b"\xff" * 12)
    key = "0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"
    assert password_fits(header, "AL1000", key)
    assert password_fits(header, "AL1000", key.lower())
    assert not password_fits(header, "AL1001", key)


def test_a_key_of_hexadecimal_digits_fits_as_text_too() -> None:
    key = "0123456789abcdef0123456789abcdef"
    assert password_fits(basic(b"CP1:" + key.encode()), "CP1", key)
    assert password_fits(basic(b"CP1:" + bytes.fromhex(key)), "CP1", key)
    short = "0123456789abcdef"
    assert not password_fits(basic(b"CP1:" + bytes.fromhex(short)), "CP1", short)


def test_a_password_may_hold_colons_and_an_id_umlauts() -> None:
    assert password_fits(basic("Säule:a:b".encode()), "Säule", "a:b")


@pytest.mark.parametrize(
    "header",
    [None, "", "Basic", "Basic ", "Bearer x", "Basic ???", "Basic eA==", basic(b"CP1:wrong"),
     basic(b"cp1:secret"), basic(b"CP1:"), basic(b":secret"), "Basic \xe4"],
)  # fmt: skip
def test_everything_else_is_refused(header: str | None) -> None:
    assert not password_fits(header, "CP1", "secret")
    assert not password_fits(header, "CP1", None)


def test_an_unknown_station_fits_no_password() -> None:
    assert not password_fits(basic(b"CP1:no station has this password"), "CP1", None)


@given(st.text(), st.text(), st.text(min_size=1))
def test_no_header_breaks_the_check(header: str, station: str, password: str) -> None:
    password_fits(header, station.encode("utf-8", "replace").decode(), password.encode(
        "utf-8", "replace").decode())  # fmt: skip


@given(st.binary(), st.binary(min_size=1))
def test_bytes_come_back_split_at_the_first_colon(name: bytes, password: bytes) -> None:
    name = name.replace(b":", b"")
    assert basic_credentials(basic(name + b":" + password)) == (name, password)


@pytest.mark.parametrize(
    ("address", "text"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1"), ("2001:DB8::1", "2001:db8::1"),
     ("192.0.2.1", "192.0.2.1"), ("", "")],
)  # fmt: skip
def test_addresses_have_one_form(address: str, text: str) -> None:
    assert normalise(address) == text


def test_an_allow_list_holds_networks_of_both_kinds() -> None:
    allowed = Networks(["192.0.2.0/24", "2001:db8::/32", "203.0.113.5"])
    for address in ("192.0.2.200", "2001:db8::5", "203.0.113.5"):
        assert address in allowed
    for address in ("192.0.3.1", "2001:db9::1", "203.0.113.6", "nonsense"):
        assert address not in allowed
    assert not Networks([])
    with pytest.raises(ValueError, match="does not appear"):
        Networks(["home"])


def test_a_fourth_failure_waits_and_a_success_forgives() -> None:
    failures = FailureDelay()
    assert [failures.failed("a", float(second)) for second in range(5)] == [0, 0, 0, 1, 1]
    assert failures.failed("b", 5.0) == 0
    failures.succeeded("a")
    assert failures.failed("a", 6.0) == 0
    assert [failures.failed("b", 1000.0 + second) for second in range(4)] == [0, 0, 0, 1]


def test_failures_of_many_addresses_stay_bounded() -> None:
    failures = FailureDelay(capacity=10)
    for number in range(1000):
        failures.failed(str(number), 0.0)
    assert len(failures._failures) == 10


def test_handshake_slots_are_limited_in_all_and_per_address() -> None:
    slots = HandshakeSlots(4)
    assert slots.enter("a") is None
    assert slots.enter("a") is None
    assert slots.enter("a") == "too many handshakes at once from this address"
    assert slots.enter("b") is None
    assert slots.enter("c") is None
    assert slots.enter("d") == "too many handshakes at once"
    slots.leave("a")
    assert slots.enter("a") is None
    assert len(slots) == 4
    assert HandshakeSlots(1).enter("a") is None


def test_a_bucket_lets_a_burst_pass_and_then_a_rate() -> None:
    bucket = TokenBucket(10.0, 5.0, 0.0)
    assert [bucket.take(0.0) for _ in range(5)] == [0.0] * 5
    assert bucket.take(0.0) == pytest.approx(0.1)
    assert bucket.take(0.0) == pytest.approx(0.2)
    assert bucket.debt(0.1) == pytest.approx(0.1)
    assert bucket.debt(0.2) == 0
    assert bucket.take(100.0) == 0


@given(st.lists(st.floats(0, 0.1), min_size=1, max_size=300))
def test_who_waits_as_told_never_exceeds_the_rate(gaps: list[float]) -> None:
    bucket, now = TokenBucket(200.0, 10.0, 0.0), 0.0
    for count, gap in enumerate(gaps, start=1):
        now += gap + bucket.take(now + gap)
        assert count <= 10 + 200 * now + 1
