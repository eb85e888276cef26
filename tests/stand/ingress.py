"""The way of a browser to an app's page: what Home Assistant and the Supervisor do in between.

Facts: home-assistant/core `components/hassio/ingress.py`, home-assistant/supervisor
`api/ingress.py` and `api/middleware/security.py`. Signing in is left out: who reaches the stand is
the owner.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from urllib.parse import unquote

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from tests.stand.network import SUPERVISOR
from tests.stand.registry import Entry, Registry

PREFIX = "/api/hassio_ingress/"
REGISTRY = web.AppKey("registry", Registry)
MESSAGE_LIMIT = 16 * 2**20
BUFFERED_BELOW = 4_194_000  # bytes; longer answers and those of unknown length are streamed
USER = {
    "X-Remote-User-Id": "0123456789abcdef0123456789abcdef",
    "X-Remote-User-Name": "owner",
    "X-Remote-User-Display-Name": "Owner",
}
NOT_PASSED = {
    hdrs.CONTENT_LENGTH, hdrs.CONTENT_ENCODING, hdrs.TRANSFER_ENCODING, hdrs.CONNECTION,
    hdrs.SEC_WEBSOCKET_EXTENSIONS, hdrs.SEC_WEBSOCKET_PROTOCOL, hdrs.SEC_WEBSOCKET_VERSION,
    hdrs.SEC_WEBSOCKET_KEY, hdrs.UPGRADE, *USER,
}  # fmt: skip
NOT_RETURNED = (hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING, hdrs.CONNECTION)
ATTACK = re.compile(
    r"proc/self/environ|<script|\.\./|union.*select.*\(|concat.*\(|(?:^|[&?])\w+=/\w/",
    re.IGNORECASE,
)
Messages = aiohttp.ClientWebSocketResponse | web.WebSocketResponse
Passes = Callable[[str], Awaitable[bool]]


def ingress_application(registry: Registry) -> web.Application:
    """What a browser sees under Home Assistant's address."""
    application = web.Application(client_max_size=64 * 2**20)
    application[REGISTRY] = registry
    application.router.add_route("*", PREFIX + "{token}/{path:.*}", _pass_on)
    return application


async def _pass_on(request: web.Request) -> web.StreamResponse:
    entry = request.app[REGISTRY].by_ingress_token(request.match_info["token"])
    if entry is None or not entry.app.config.get("ingress"):
        return web.Response(status=503, text="503: Service Unavailable")
    if ATTACK.search(unquote(request.path_qs)):
        return web.Response(status=400, text="400: Bad Request")
    connector = aiohttp.TCPConnector(local_addr=(SUPERVISOR, 0))
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    ) as session:
        try:
            if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
                return await _pass_websocket(request, entry, session)
            return await _pass_request(request, entry, session)
        except (aiohttp.ClientError, OSError):
            return web.Response(status=502, text="502: Bad Gateway")


def _url(request: web.Request, entry: Entry) -> str:
    raw = request.raw_path.removeprefix(f"{PREFIX}{request.match_info['token']}")
    return f"http://{entry.address}:{entry.app.ingress_port}{raw}"


def request_headers(request: web.Request, entry: Entry) -> CIMultiDict[str]:
    """The browser's headers, and what Home Assistant and the Supervisor add to them."""
    headers = _without(request.headers, {*NOT_PASSED, hdrs.HOST})
    peer = request.remote or "127.0.0.1"
    before = request.headers.get(hdrs.X_FORWARDED_FOR)
    headers[hdrs.HOST] = request.host
    headers["X-Ingress-Path"] = entry.ingress_entry
    headers["X-Hass-Source"] = "core.ingress"
    headers[hdrs.X_FORWARDED_FOR] = ", ".join([before or peer, SUPERVISOR])
    headers[hdrs.X_FORWARDED_HOST] = request.headers.get(hdrs.X_FORWARDED_HOST, request.host)
    headers[hdrs.X_FORWARDED_PROTO] = request.headers.get(hdrs.X_FORWARDED_PROTO, request.scheme)
    headers.update(USER)
    return headers


def _without(headers: Mapping[str, str], names: Iterable[str]) -> CIMultiDict[str]:
    dropped = {name.lower() for name in names}
    kept = [(name, value) for name, value in headers.items() if name.lower() not in dropped]
    return CIMultiDict(kept)


async def _pass_request(
    request: web.Request, entry: Entry, session: aiohttp.ClientSession
) -> web.StreamResponse:
    streamed = bool(entry.app.config.get("ingress_stream"))
    async with session.request(
        request.method,
        URL(_url(request, entry), encoded=True),
        headers=request_headers(request, entry),
        data=request.content if streamed else await request.read(),
        allow_redirects=False,
        timeout=aiohttp.ClientTimeout(total=None),
        skip_auto_headers={hdrs.CONTENT_TYPE},
    ) as answer:
        headers = _without(answer.headers, NOT_RETURNED)
        length = answer.content_length
        if length is not None and length < BUFFERED_BELOW:
            body = await answer.read()
            return web.Response(status=answer.status, headers=headers, body=body)
        response = web.StreamResponse(status=answer.status, headers=headers)
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        return response


async def _pass_websocket(
    request: web.Request, entry: Entry, session: aiohttp.ClientSession
) -> web.StreamResponse:
    wanted = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "")
    protocols = [each.strip() for each in wanted.split(",") if each.strip()]
    browser = web.WebSocketResponse(
        protocols=protocols, autoclose=False, autoping=False, max_msg_size=MESSAGE_LIMIT
    )
    await browser.prepare(request)
    async with session.ws_connect(
        URL(_url(request, entry), encoded=True),
        headers=request_headers(request, entry),
        protocols=protocols,
        autoclose=False,
        autoping=False,
        max_msg_size=MESSAGE_LIMIT,
    ) as app:
        await join(browser, app)
    return browser


async def join(first: Messages, second: Messages, passes: Passes | None = None) -> None:
    """Pass messages both ways until either side closes, then close the other.

    A text of `first` for which `passes` is false is not passed on.
    """
    ways = [
        asyncio.ensure_future(_forward(first, second, passes)),
        asyncio.ensure_future(_forward(second, first)),
    ]
    _done, waiting = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in waiting:
        way.cancel()
    await asyncio.gather(*ways, return_exceptions=True)


async def _forward(source: Messages, target: Messages, passes: Passes | None = None) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            if passes is None or await passes(message.data):
                await target.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
        elif message.type is aiohttp.WSMsgType.PING:
            await target.ping(message.data)
        elif message.type is aiohttp.WSMsgType.PONG:
            await target.pong(message.data)
        elif message.type is aiohttp.WSMsgType.CLOSE:
            break
    await target.close(code=source.close_code or 1000)
