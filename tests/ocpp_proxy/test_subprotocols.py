"""Which subprotocol a wallbox gets back and upstream is offered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.subprotocols import Choice, UnsupportedError, choose, tokens


@pytest.mark.parametrize(
    "token", ["ocpp1.6", "OCPP1.6", "Ocpp1.6J", "ocpp1.6j", "ocpp16", "OCPP16J", "ocpp1.6-J"]
)
def test_known_spellings_are_echoed_as_sent_and_offered_upstream_by_their_name(token: str) -> None:
    assert choose([token], ["ocpp1.6"], accept_missing=True) == Choice(token, "ocpp1.6")


def test_our_order_decides_and_the_first_spelling_of_the_wallbox_is_echoed() -> None:
    offered = ["ocpp2.0.1", "OCPP1.6", "ocpp1.6"]
    assert choose(offered, ["ocpp1.6", "ocpp2.0.1"], accept_missing=True) == Choice(
        "OCPP1.6", "ocpp1.6"
    )
    assert choose(offered, ["ocpp2.0.1", "ocpp1.6"], accept_missing=True).upstream == "ocpp2.0.1"


def test_nothing_offered_is_nothing_echoed_and_the_first_of_ours_upstream() -> None:
    assert choose([], ["ocpp1.6"], accept_missing=True) == Choice(None, "ocpp1.6")
    with pytest.raises(UnsupportedError):
        choose([], ["ocpp1.6"], accept_missing=False)


def test_an_unsupported_offer_is_refused_with_what_is_supported() -> None:
    with pytest.raises(UnsupportedError, match=r"ocpp1\.6"):
        choose(["ocpp2.0.1", "soap"], ["ocpp1.6"], accept_missing=True)


def test_a_repeated_header_is_one_list_without_empty_entries() -> None:
    assert tokens(["ocpp2.0.1, ocpp1.6", "", " , ocpp16 "]) == ["ocpp2.0.1", "ocpp1.6", "ocpp16"]


@given(st.lists(st.text()), st.booleans())
def test_whatever_is_offered_the_echo_is_one_of_the_offers(
    values: list[str], accept_missing: bool
) -> None:
    offered = tokens(values)
    try:
        choice = choose(offered, ["ocpp1.6"], accept_missing=accept_missing)
    except UnsupportedError:
        return
    assert choice.upstream == "ocpp1.6"
    assert choice.reply is None or choice.reply in offered
