"""What the central system hears about a wallbox, and what it must not."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.headers import Credentials, Peer
from websockets.datastructures import Headers

from ocpp_proxy import headers

_NAMES = ["Authorization", "User-Agent", "X-Forwarded-For", "X-Forwarded-Proto", "Via", "Host",
          "Origin", "Cookie", "Sec-WebSocket-Key", "Connection", "Upgrade", "TE"]  # fmt: skip


def made(
    *sent: tuple[str, str], peer: Peer | None = None, credentials: Credentials | None = None
) -> dict[str, str]:
    found = headers.upstream(
        Headers(sent),
        peer or Peer("192.0.2.7"),
        credentials or Credentials(),
        agent="ours/1",
        via="ocpp-proxy-0123abcd",
    )
    assert len({name for name, _ in found}) == len(found)
    return dict(found)


def test_a_wallbox_is_introduced() -> None:
    assert made(("Host", "proxy:8888"), ("User-Agent", "AcTec/1")) == {
        "User-Agent": "AcTec/1",
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Proto": "ws",
        "X-Forwarded-Host": "proxy:8888",
        "Via": "1.1 ocpp-proxy-0123abcd",
    }


def test_a_missing_user_agent_is_ours() -> None:
    assert made()["User-Agent"] == "ours/1"


@pytest.mark.parametrize(
    "name",
    ["Cookie", "Origin", "Connection", "Upgrade", "Proxy-Authorization", "TE", "Trailer",
     "Transfer-Encoding", "Content-Length", "Sec-WebSocket-Protocol", "X-Anything"],
)  # fmt: skip
def test_headers_of_the_first_leg_stay_there(name: str) -> None:
    assert name not in made((name, "x"))


def test_credentials_are_forwarded_dropped_or_replaced() -> None:
    sent = ("Authorization", "Basic QUwxMDAwOgABAgMEBQYH////////////////")
    assert made(sent)["Authorization"] == sent[1]
    assert "Authorization" not in made(sent, credentials=Credentials("none"))
    own = made(sent, credentials=Credentials("basic", "evcc", "gehe:im"))["Authorization"]
    assert base64.b64decode(own.removeprefix("Basic ")) == b"evcc:gehe:im"


def test_the_first_of_repeated_values_counts() -> None:
    assert made(("User-Agent", "a"), ("User-Agent", "b"))["User-Agent"] == "a"


def test_forwarded_headers_count_only_from_trusted_peers() -> None:
    sent = (("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "wss"), ("Host", "h"))
    assert made(*sent)["X-Forwarded-For"] == "192.0.2.7"
    assert made(*sent)["X-Forwarded-Proto"] == "ws"
    trusted = made(*sent, peer=Peer("192.0.2.1", trusted=True))
    assert trusted["X-Forwarded-For"] == "203.0.113.9, 192.0.2.1"
    assert trusted["X-Forwarded-Proto"] == "wss"
    assert trusted["X-Forwarded-Host"] == "h"


def test_tls_is_told() -> None:
    assert made(peer=Peer("192.0.2.7", secure=True))["X-Forwarded-Proto"] == "wss"


def test_a_via_of_another_proxy_stays_so_that_circles_are_found() -> None:
    via = made(("Via", "1.1 ocpp-proxy-ffffffff"))["Via"]
    assert via == "1.1 ocpp-proxy-ffffffff, 1.1 ocpp-proxy-0123abcd"
    assert headers.brings_back(Headers([("Via", via)]), "ocpp-proxy-ffffffff")
    assert not headers.brings_back(Headers(), "ocpp-proxy-ffffffff")


@given(
    st.lists(st.tuples(st.sampled_from(_NAMES), st.text(st.characters(max_codepoint=255)))),
    st.booleans(),
)
def test_no_control_character_and_no_endless_chain_goes_upstream(
    sent: list[tuple[str, str]], trusted: bool
) -> None:
    found = Headers()
    for name, value in sent:
        # As read from the wire: the library's setter would refuse some of them.
        found._list.append((name, value))
        found._dict.setdefault(name.lower(), []).append(value)
    result = headers.upstream(
        found, Peer("192.0.2.7", trusted=trusted), Credentials(), agent="a", via="ocpp-proxy-0"
    )
    for name, value in result:
        assert name in {"Authorization", "User-Agent", "Via"} or name.startswith("X-Forwarded-")
        assert not any(ord(char) < 32 or ord(char) == 127 for char in value)
        value.encode("latin-1")
