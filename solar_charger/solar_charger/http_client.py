"""One HTTP request with a bound on time and size, in a thread where the caller is asyncio.

Redirects are not followed: no device we talk to needs one, and a credential must not travel.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import urllib3


@dataclass(frozen=True, slots=True)
class Reply:
    """Status code and body; the header names are lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one exchange, in s and bytes."""

    connect_s: float = 3.0
    read_s: float = 8.0
    """Longest silence."""
    total_s: float = 20.0
    """Longest body, so that a device which drips bytes does not hold a thread for ever."""
    max_bytes: int = 1_000_000


class HttpError(Exception):
    """No usable answer."""


class HttpUnreachableError(HttpError):
    """Nothing was sent: name, connection or TLS failed."""


class HttpCertificateError(HttpUnreachableError):
    """The connection stands, but its certificate is not accepted."""


class HttpInterruptedError(HttpError):
    """The request went out and the answer did not come, or was cut off."""


def send(
    session: requests.Session,
    method: str,
    url: str,
    limits: Limits = Limits(),
    *,
    clock: Callable[[], float] = time.monotonic,
    **request: Any,
) -> Reply:
    """Send one request and read the whole answer; blocking, for `asyncio.to_thread`.

    Raises HttpUnreachableError, HttpCertificateError, HttpInterruptedError.
    """
    deadline = clock() + limits.total_s
    try:
        response = session.request(
            method,
            url,
            timeout=(limits.connect_s, limits.read_s),
            allow_redirects=False,
            stream=True,
            **request,
        )
        with response:
            body = _read(response, limits.max_bytes, deadline, clock)
            return Reply(
                response.status_code, body, {k.lower(): v for k, v in response.headers.items()}
            )
    except requests.exceptions.SSLError as error:
        refused = "CERTIFICATE_VERIFY_FAILED" in str(error)
        raise (HttpCertificateError if refused else HttpUnreachableError)(brief(error)) from error
    except (requests.ConnectTimeout, requests.exceptions.InvalidURL, UnicodeError) as error:
        # A header or host that cannot be written down never leaves this machine.
        raise HttpUnreachableError(brief(error)) from error
    except requests.ConnectionError as error:
        if _before_sending(error):
            raise HttpUnreachableError(brief(error)) from error
        raise HttpInterruptedError(brief(error)) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise HttpInterruptedError(brief(error)) from error


def brief(error: BaseException) -> str:
    """The innermost reason of a failure in a few words, without the library's object names."""
    inner: BaseException = error
    while (cause := _reason(inner)) is not None:
        inner = cause
    words = str(inner) or type(inner).__name__
    return words.rsplit(">: ", 1)[-1][:160]


def _reason(error: BaseException) -> BaseException | None:
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return reason
    first = error.args[0] if error.args else None
    return first if isinstance(first, BaseException) else None


def _before_sending(error: requests.ConnectionError) -> bool:
    inner = _reason(error)
    if isinstance(inner, urllib3.exceptions.MaxRetryError):
        inner = inner.reason
    return isinstance(inner, urllib3.exceptions.NewConnectionError)


def _read(
    response: requests.Response, max_bytes: int, deadline: float, clock: Callable[[], float]
) -> bytes:
    body = bytearray()
    # read1 hands over what one packet brought; iter_content would wait for a full block.
    while chunk := response.raw.read1(64 * 1024, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            raise HttpInterruptedError(f"answer longer than {max_bytes} bytes")
        if clock() > deadline:
            raise HttpInterruptedError("answer takes too long")
    return bytes(body)
