"""Speaks HTTP with the gateway: finds its scheme, signs in by its firmware, renews the token.

Blocking, for threads; the caller sees to it that only one request is under way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import requests
import urllib3
from requests.auth import AuthBase, HTTPDigestAuth

from ...http_client import (
    HttpError,
    HttpInterruptedError,
    HttpUnreachableError,
    Limits,
    Reply,
    brief,
    send,
)
from ...json_values import UnreadableAnswerError
from ..readings import SourceError, SourceRefusedError
from ..web import plain_session
from .answers import Info, parse_info
from .cloud import Account, new_token
from .token import Token, TokenFile, renewal_due

# The gateway's certificate is self-signed; nobody reads a warning per request.
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

_DENIED = (401, 403)
_TOKEN_FIRMWARE = (7,)
_WATCH_TOKEN_EVERY_S = 3600.0
_STREAM_SILENCE_S = 15.0
_LONGEST_LINE = 64 * 1024
"""An event of three phases has less than 2 kB."""

# Fast to connect, slow to answer; a miss is one sample.
LIMITS = Limits(connect_s=3.0, read_s=8.0, total_s=20.0)


class PathRefusedError(SourceRefusedError):
    """We are let in, but this path is not there or not for us."""


class _Bearer(AuthBase):
    def __init__(self, token: Token) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.raw}"
        return request


@dataclass(frozen=True, slots=True)
class Access:
    """What is needed to be let in."""

    tokens: TokenFile
    account: Account | None = None
    """Without an account a token cannot be renewed."""


class Gateway:
    """One gateway. Every method may raise SourceError or SourceRefusedError."""

    def __init__(
        self,
        host: str,
        access: Access,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        limits: Limits = LIMITS,
    ) -> None:
        self._host = host.strip().rstrip("/").split("://")[-1]
        self._access = access
        self._clock = clock
        self._wall = wall
        self._limits = limits
        self._session = plain_session()
        self._base = ""
        self._info: Info | None = None
        self._token: Token | None = None
        self._last_renewal: float | None = None
        self._token_looked_at = 0.0

    def get(self, path: str) -> bytes:
        """The body of a 2xx answer."""
        self._sign_in()
        reply = self._send(path)
        if reply.status in _DENIED and self._let_in_again():
            reply = self._send(path)
        if reply.ok:
            return reply.body
        refused = reply.status in _DENIED or reply.status == 404
        kind = PathRefusedError if refused else SourceError
        raise kind(f"gateway answered {reply.status} to {path.split('?')[0]}")

    def lines(self, path: str, stop: threading.Event) -> Iterator[bytes]:
        """The lines of an endless answer until `stop` is set or the gateway falls silent."""
        self._sign_in()
        try:
            with self._session.get(
                self._base + path,
                timeout=(self._limits.connect_s, _STREAM_SILENCE_S),
                verify=False,
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code != 200:
                    raise SourceRefusedError(f"gateway answered {response.status_code} to {path}")
                for line in split_lines(response.iter_content(chunk_size=1)):
                    if stop.is_set():
                        return
                    yield line
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise SourceError(f"gateway's stream: {brief(error)}") from error
        raise SourceError("the gateway ended its stream")

    def info(self) -> Info:
        """What the gateway is; asked once and again after it was out of reach."""
        if self._info is None:
            self._info = self._find()
        return self._info

    def _find(self) -> Info:
        failure: HttpError | None = None
        for scheme in ("https", "http"):
            self._base = f"{scheme}://{self._host}"
            try:
                reply = self._exchange("/info")
            except (HttpUnreachableError, HttpInterruptedError) as error:
                failure = failure or error
                continue
            if not reply.ok:
                raise SourceError(f"gateway answered {reply.status} to /info")
            try:
                return parse_info(reply.body)
            except UnreadableAnswerError as error:
                raise SourceRefusedError(f"{self._host} is no Enphase gateway: {error}") from error
        raise SourceError(f"gateway {self._host}: {failure}")

    def _sign_in(self) -> None:
        info = self.info()
        if not (info.web_tokens or info.firmware >= _TOKEN_FIRMWARE):
            if self._session.auth is None:
                # The gateway's built-in user of firmware below 7.
                self._session.auth = HTTPDigestAuth("envoy", info.serial[-6:])
            return
        if self._token is None:
            self._use(self._stored_token() or self._renewed(info))
        elif self._clock() - self._token_looked_at >= _WATCH_TOKEN_EVERY_S:
            self._token_looked_at = self._clock()
            self._renew_early(info)

    def _stored_token(self) -> Token | None:
        try:
            return self._access.tokens.load()
        except UnreadableAnswerError as error:
            raise SourceRefusedError(f"option envoy_token: {error}") from error

    def _renew_early(self, info: Info) -> None:
        """A token near its end still works: failing to renew it costs no reading."""
        due = renewal_due(self._token, self._wall(), self._last_renewal, self._clock())
        if self._access.account is None or not due:
            return
        try:
            self._use(self._renewed(info))
        except SourceError:
            return

    def _renewed(self, info: Info) -> Token:
        if self._access.account is None:
            raise SourceRefusedError(
                "the gateway wants a token: set envoy_token, or the Enphase account to fetch one"
            )
        if not renewal_due(None, self._wall(), self._last_renewal, self._clock()):
            raise SourceRefusedError("the gateway refuses the token; a new one is tried each 6 h")
        self._last_renewal = self._clock()
        token = new_token(self._access.account, info.serial)
        try:
            self._access.tokens.save(token)
        except OSError as error:
            raise SourceError(f"the new gateway token cannot be stored: {error}") from error
        return token

    def _use(self, token: Token) -> None:
        """Show the token once: the answer sets the session cookie the other paths want."""
        self._session.cookies.clear()
        self._session.auth = _Bearer(token)
        reply = self._send("/auth/check_jwt")
        if reply.status in _DENIED:
            self._token = None
            self._session.auth = None
            if self._access.account is None:
                raise SourceRefusedError("the gateway refuses the token in envoy_token")
            renewed = self._renewed(self.info())
            self._session.auth = _Bearer(renewed)
            reply = self._send("/auth/check_jwt")
            token = renewed
        if not reply.ok:
            self._session.auth = None
            kind = SourceRefusedError if reply.status in _DENIED else SourceError
            raise kind(f"gateway answered {reply.status} to the token")
        self._token = token
        self._token_looked_at = self._clock()

    def _let_in_again(self) -> bool:
        """After a refusal: show the token once more, perhaps the session only ran out."""
        if self._token is None:
            return False
        token, self._token = self._token, None
        self._use(token)
        return True

    def _send(self, path: str) -> Reply:
        try:
            return self._exchange(path)
        except HttpUnreachableError as error:
            # It may come back with other firmware.
            self._info = None
            raise SourceError(f"gateway {self._host}: {error}") from error
        except HttpError as error:
            raise SourceError(f"gateway {self._host}: {error}") from error

    def _exchange(self, path: str) -> Reply:
        # Its certificate is its own; `verify` goes with each call, since a CA bundle of the
        # environment would beat the session's.
        return send(
            self._session,
            "GET",
            self._base + path,
            self._limits,
            clock=self._clock,
            verify=False,
        )


def split_lines(chunks: Iterable[bytes], longest: int = _LONGEST_LINE) -> Iterator[bytes]:
    """The lines of a stream without their ends; blank lines come as b"".

    Raises SourceError for a line that does not end within `longest` bytes.
    """
    line = bytearray()
    for chunk in chunks:
        line += chunk
        while (end := line.find(b"\n")) >= 0:
            yield bytes(line[:end]).rstrip(b"\r")
            del line[: end + 1]
        if len(line) > longest:
            raise SourceError(f"gateway's stream: a line of more than {longest} bytes")
    if line:
        yield bytes(line)
