"""A simulated Enphase gateway: firmware 7 and later over TLS with tokens, older with Digest."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from . import gateway_answers as answers
from .certificates import self_signed
from .house import House
from .server import FakeServer

METERED = ("production", "net-consumption")


def make_token(expires: int, user: str = "owner", serial: str = "122233344455") -> str:
    """A JWT of the gateway's form; signed by nobody."""

    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    head = part({"kid": "fake", "typ": "JWT", "alg": "ES256"})
    claims = {
        "aud": serial,
        "iss": "Entrez",
        "enphaseUser": user,
        "exp": expires,
        "iat": 1,
        "jti": "x",
    }
    return f"{head}.{part(claims)}.{base64.urlsafe_b64encode(b'signature').decode().rstrip('=')}"


@dataclass
class Firmware:
    """What sets gateways apart."""

    software: str = "D8.2.4401"
    web_tokens: bool = True
    metered: bool = True
    kinds: tuple[str, ...] = METERED
    """Fitted current transformers; empty: none."""
    status_flags: bool = True
    meters_paths: bool = True
    """Whether `/ivp/meters` is there."""
    total_is_net: bool = False
    """The fault of 8.3.5433."""
    stream: bool = True


FIRMWARE_5 = Firmware("R5.0.49", web_tokens=False, status_flags=False, stream=False)
UNMETERED = Firmware("D7.6.175", metered=False, kinds=(), stream=False)


class FakeGateway(FakeServer):
    """Answers from the house. `frozen` repeats the present answers for ever, stamps included."""

    def __init__(
        self,
        house: House,
        firmware: Firmware | None = None,
        *,
        port: int = 0,
        serial: str = "122233344455",
    ) -> None:
        super().__init__(port)
        self.house = house
        self.firmware = firmware or Firmware()
        self.serial = serial
        self.tokens = {make_token(2**31, serial=serial)}
        self.sessions: set[str] = set()
        self.frozen = False
        self.stamp_lag_s = 0.0
        """How far its clock stands behind."""
        self.absurd_w: float | None = None
        """A grid power to report instead of the true one."""
        self.stream_period_s = 1.0
        self._still: dict[str, Any] = {}
        self._nonce = secrets.token_hex(8)
        if self.firmware.web_tokens:
            self.tls = self_signed()

    @property
    def token(self) -> str:
        """A token it accepts."""
        return next(iter(self.tokens))

    def routes(self) -> list[web.RouteDef]:
        """The paths our reader and the reference library ask for."""
        private: dict[str, Callable[[web.Request], Any]] = {
            "/ivp/meters": self._meters,
            "/ivp/meters/readings": self._readings,
            "/production.json": self._production_details,
            "/production": self._production,
            "/api/v1/production": self._v1_production,
            "/api/v1/production/inverters": self._inverters,
        }
        return [
            web.get("/info", self._info),
            web.get("/auth/check_jwt", self._check_jwt),
            web.get("/stream/meter", self._stream),
            *(web.get(path, self._guarded(path, make)) for path, make in private.items()),
        ]

    async def _info(self, _request: web.Request) -> web.Response:
        firmware = self.firmware
        body = answers.info(
            self.serial, firmware.software, metered=firmware.metered, web_tokens=firmware.web_tokens
        )
        return web.Response(text=body, content_type="text/xml")

    async def _check_jwt(self, request: web.Request) -> web.Response:
        if not self._has_token(request):
            return web.Response(status=401, text="Invalid token", content_type="text/html")
        session = secrets.token_hex(8)
        self.sessions.add(session)
        response = web.Response(
            text="<!DOCTYPE html><h2>Valid token.</h2>", content_type="text/html"
        )
        response.set_cookie("sessionId", session)
        return response

    def _guarded(
        self, path: str, make: Callable[[web.Request], Any]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            refusal = self._refusal(request)
            if refusal is not None:
                return refusal
            fresh = self._still.get(path) if self.frozen else None
            body = make(request) if fresh is None else fresh
            if body is None:
                return web.Response(status=404)
            self._still[path] = body
            return web.json_response(body)

        return answer

    def _refusal(self, request: web.Request) -> web.Response | None:
        if self.firmware.web_tokens:
            session = request.cookies.get("sessionId")
            allowed = self._has_token(request) or session in self.sessions
            return None if allowed else web.Response(status=401)
        if self._digest_fits(request):
            return None
        challenge = f'Digest realm="enphaseenergy.com", nonce="{self._nonce}", qop="auth"'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    def _has_token(self, request: web.Request) -> bool:
        return request.headers.get("Authorization", "").removeprefix("Bearer ") in self.tokens

    def _digest_fits(self, request: web.Request) -> bool:
        """RFC 2617 §3.2.2 with user `envoy` and the last six digits of the serial."""
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', request.headers.get("Authorization", "")))
        secret = _md5(f"envoy:enphaseenergy.com:{self.serial[-6:]}")
        asked = _md5(f"{request.method}:{given.get('uri', '')}")
        parts = [secret, self._nonce, given.get("nc", ""), given.get("cnonce", ""), "auth", asked]
        return given.get("response") == _md5(":".join(parts))

    def _stamp(self) -> int:
        return int(self.house.wall() - self.stamp_lag_s)

    def _meters(self, _request: web.Request) -> Any:
        firmware = self.firmware
        if not firmware.meters_paths:
            return None
        return answers.meters(self.house, firmware.kinds, flags=firmware.status_flags)

    def _readings(self, _request: web.Request) -> Any:
        if not self.firmware.meters_paths:
            return None
        rows = answers.readings(self.house, self.firmware.kinds, self._stamp())
        if self.absurd_w is not None:
            for row in rows:
                if row["eid"] == answers.EIDS["net-consumption"]:
                    row["activePower"] = self.absurd_w
        return rows

    def _production_details(self, request: web.Request) -> Any:
        return self._any_production(details="details" in request.query)

    def _production(self, _request: web.Request) -> Any:
        return self._any_production(details=False)

    def _any_production(self, *, details: bool) -> Any:
        firmware = self.firmware
        return answers.production(
            self.house,
            firmware.kinds,
            self._stamp(),
            details=details,
            total_is_net=firmware.total_is_net,
        )

    def _v1_production(self, _request: web.Request) -> Any:
        return {
            "wattHoursToday": 17920,
            "wattHoursSevenDays": 158000,
            "wattHoursLifetime": 3209588,
            "wattsNow": round(self.house.pv_w),
        }

    def _inverters(self, _request: web.Request) -> Any:
        watts = round(self.house.pv_w / 20)
        return [
            {
                "serialNumber": str(482200000000 + index),
                "lastReportDate": self._stamp(),
                "devType": 1,
                "lastReportWatts": watts,
                "maxReportWatts": 290,
            }
            for index in range(20)
        ]

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if not self.firmware.stream:
            return web.Response(status=404)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        event = answers.stream_event(self.house, self.firmware.kinds)
        while True:
            if not self.frozen:
                event = answers.stream_event(self.house, self.firmware.kinds)
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            await asyncio.sleep(self.stream_period_s)


class FakeEnphaseCloud(FakeServer):
    """Sign-in and token service."""

    def __init__(self, gateway: FakeGateway, *, expires: int = 2**31) -> None:
        super().__init__()
        self.gateway = gateway
        self.expires = expires
        self.second_factor = False
        self.password = "sunshine"

    def routes(self) -> list[web.RouteDef]:
        """`/login/login.json` and `/tokens`."""
        return [web.post("/login/login.json", self._login), web.post("/tokens", self._tokens)]

    async def _login(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("user[password]") != self.password:
            return web.json_response({"message": "Invalid"}, status=401)
        if self.second_factor:
            return web.json_response({"message": "success", "is_consumer": True})
        body = {"session_id": "s1", "is_consumer": True, "manager_token": "m1"}
        return web.json_response(body)

    async def _tokens(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body.get("session_id") != "s1" or body.get("serial_num") != self.gateway.serial:
            return web.Response(status=403)
        token = make_token(self.expires, serial=self.gateway.serial)
        self.gateway.tokens = {token}
        return web.Response(text=token)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
