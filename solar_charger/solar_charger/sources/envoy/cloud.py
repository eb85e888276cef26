"""Asks Enphase's cloud for a new gateway token, with the owner's account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from ...http_client import HttpError, Limits, Reply, send
from ...json_values import UnreadableAnswerError, load_object, text
from ..readings import SourceError, SourceRefusedError
from .token import Token, parse_token

_LIMITS = Limits(connect_s=10.0, read_s=45.0, total_s=60.0, max_bytes=256 * 1024)


@dataclass(frozen=True, slots=True)
class Account:
    """The Enphase account of the owner; `repr` hides the password."""

    username: str
    password: str
    login_url: str = "https://enlighten.enphaseenergy.com/login/login.json?"
    token_url: str = "https://entrez.enphaseenergy.com/tokens"

    def __repr__(self) -> str:
        return "Account(…)"


def new_token(account: Account, serial: str, session: requests.Session | None = None) -> Token:
    """Sign in and ask for the token of the gateway `serial`; blocking.

    Raises SourceRefusedError where the account or its multi-factor login is in the way,
    SourceError where the cloud does not answer.
    """
    with session or requests.Session() as cloud:
        login = _post(
            cloud,
            account.login_url,
            data={"user[email]": account.username, "user[password]": account.password},
        )
        body = {
            "session_id": read_session_id(login),
            "serial_num": serial,
            "username": account.username,
        }
        return read_token(_post(cloud, account.token_url, json=body))


def read_session_id(reply: Reply) -> str:
    """The session of a successful sign-in; pure.

    Raises SourceRefusedError, SourceError.
    """
    if reply.status in (401, 403):
        raise SourceRefusedError("Enphase refused the account: check user name and password")
    if not reply.ok:
        raise SourceError(f"Enphase sign-in answered {reply.status}")
    try:
        session_id = text(load_object(reply.body).get("session_id"))
    except UnreadableAnswerError as error:
        raise SourceError(f"Enphase sign-in: {error}") from error
    if not session_id:
        raise SourceRefusedError(
            "Enphase wants a second factor for this account: paste a gateway token instead"
        )
    return session_id


def read_token(reply: Reply) -> Token:
    """The token, which is the whole body; pure.

    Raises SourceError.
    """
    if not reply.ok:
        raise SourceError(f"Enphase gave no token: {reply.status}")
    try:
        return parse_token(reply.body.decode("ascii", "replace"))
    except UnreadableAnswerError as error:
        raise SourceError(f"Enphase gave no token: {error}") from error


def _post(cloud: requests.Session, url: str, **body: Any) -> Reply:
    try:
        return send(cloud, "POST", url, _LIMITS, **body)
    except HttpError as error:
        raise SourceError(f"Enphase's cloud: {error}") from error
