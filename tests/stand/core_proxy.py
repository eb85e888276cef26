"""The Supervisor's proxy to Home Assistant itself, with the Supervisor's own token.

Facts: home-assistant/supervisor `api/proxy.py` (2026.08), which blocks the Supervisor's own paths.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import aiohttp
from aiohttp import web

from tests.stand.ingress import join
from tests.stand.registry import CoreAccess

SIGN_IN_SECONDS = 10
BLOCKED_TYPES = ("hassio/", "supervisor/")


async def pass_rest(request: web.Request, core: CoreAccess | None) -> web.StreamResponse:
    """`/core/api/…` → `/api/…`; 502 while there is no Home Assistant."""
    path = request.match_info["path"]
    if path.startswith("hassio"):
        return web.Response(status=403, text="403: Forbidden")
    if core is None:
        return web.Response(status=502, text="502: Bad Gateway")
    headers = {"Authorization": f"Bearer {core.token}"}
    if "Content-Type" in request.headers:
        headers["Content-Type"] = request.headers["Content-Type"]
    url = f"{core.address}/api/{path}"
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method, url, params=request.query, headers=headers,
                data=await request.read() or None,
            ) as answer,
        ):  # fmt: skip
            body = await answer.read()
            kind = answer.headers.get("Content-Type", "application/json")
            return web.Response(status=answer.status, body=body, headers={"Content-Type": kind})
    except (aiohttp.ClientError, OSError):
        return web.Response(status=502, text="502: Bad Gateway")


async def pass_websocket(
    request: web.Request, core: CoreAccess | None, may: Callable[[str], bool]
) -> web.StreamResponse:
    """Sign the app in by its own token, then Home Assistant by the Supervisor's, then pass on."""
    app = web.WebSocketResponse(heartbeat=30)
    await app.prepare(request)
    await app.send_json({"type": "auth_required", "ha_version": "2026.11.0"})
    try:
        first = await app.receive_json(timeout=SIGN_IN_SECONDS)
    except (TimeoutError, TypeError, ValueError):
        await app.close()
        return app
    token = first.get("access_token") or first.get("api_password") or ""
    if core is None or not may(token):
        await app.send_json({"type": "auth_invalid", "message": "Invalid access"})
        await app.close()
        return app
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{core.address}/api/websocket", max_msg_size=0) as home_assistant,
    ):
        await home_assistant.receive_json()
        await home_assistant.send_json({"type": "auth", "access_token": core.token})
        await app.send_json(await home_assistant.receive_json())
        await join(app, home_assistant, partial(_allowed, app))
    return app


async def _allowed(app: web.WebSocketResponse, text: str) -> bool:
    """Answers a blocked command itself."""
    command = json.loads(text)
    if not str(command.get("type", "")).startswith(BLOCKED_TYPES):
        return True
    error = {"code": "unauthorized", "message": "Unauthorized"}
    refusal = {"id": command.get("id"), "type": "result", "success": False, "error": error}
    await app.send_json(refusal)
    return False
