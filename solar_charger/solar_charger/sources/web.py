"""GET requests of the polled sources: a thread, a bound on time, and errors people understand."""

from __future__ import annotations

import asyncio

import requests

from ..http_client import HttpError, Limits, Reply, send
from .readings import SourceError, SourceRefusedError

_REFUSALS = (401, 403, 404)


def base_url(host: str, scheme: str = "http") -> str:
    """`http://host[:port]` from what people write: with or without scheme and final slash."""
    stripped = host.strip().rstrip("/")
    return stripped if "://" in stripped else f"{scheme}://{stripped}"


async def get(session: requests.Session, url: str, limits: Limits, what: str) -> bytes:
    """The body of a 2xx answer; `what` names the device in errors.

    Raises SourceError, SourceRefusedError.
    """
    reply = await get_reply(session, url, limits, what)
    if reply.ok:
        return reply.body
    refused = reply.status in _REFUSALS
    kind = SourceRefusedError if refused else SourceError
    raise kind(f"{what} answered {reply.status}")


async def get_reply(session: requests.Session, url: str, limits: Limits, what: str) -> Reply:
    """The answer, whatever its status.

    Raises SourceError.
    """
    try:
        return await asyncio.to_thread(send, session, "GET", url, limits)
    except HttpError as error:
        raise SourceError(f"{what}: {error}") from error


def plain_session() -> requests.Session:
    """A session that asks the device itself: no proxy or credentials from the environment."""
    session = requests.Session()
    session.trust_env = False
    return session
