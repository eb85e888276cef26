"""The part of the Supervisor's HTTP interface that apps may use.

Refusals as in home-assistant/supervisor, `api/middleware/security.py` and `api/services.py`:
401 without a token, 403 with a wrong one or without the right, 400 for most others.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.stand import core_proxy
from tests.stand.app import OptionsRefused, architecture
from tests.stand.registry import Entry, Registry

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
REGISTRY = web.AppKey("registry", Registry)
ENTRY = web.RequestKey("entry", Entry)
FREE = re.compile(r"/addons/self/(?!security$|update$)[^/]+|/addons/self/options/config|/info"
                  r"|/supervisor/ping|/services(/.*)?|/core/(api(/.*)?|websocket)")  # fmt: skip


def supervisor_application(registry: Registry) -> web.Application:
    """All of it, to be served on the Supervisor's address."""
    application = web.Application(middlewares=[_guard], client_max_size=64 * 2**20)
    application[REGISTRY] = registry
    application.router.add_get("/supervisor/ping", _ping)
    application.router.add_get("/info", _info)
    application.router.add_get("/services/mqtt", _mqtt)
    application.router.add_get("/addons/self/info", _self_info)
    application.router.add_get("/addons/self/options/config", _options)
    application.router.add_post("/addons/self/options", _set_options)
    application.router.add_post("/addons/self/stop", _stop)
    application.router.add_post("/addons/self/restart", _restart)
    application.router.add_get("/core/websocket", _core_websocket)
    application.router.add_route("*", "/core/api/{path:.*}", _core_rest)
    return application


def ok(data: Any = None) -> web.Response:
    return web.json_response({"result": "ok", "data": {} if data is None else data})


def refuse(status: int, message: str) -> web.Response:
    return web.json_response({"result": "error", "message": message}, status=status)


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who asks, and whether this app may ask that."""
    path = request.path
    if path in ("/supervisor/ping", "/core/websocket"):
        return await handler(request)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        return refuse(401, "401: Unauthorized")
    entry = request.app[REGISTRY].by_token(token.strip())
    if entry is None:
        return refuse(403, "403: Forbidden")
    if not FREE.fullmatch(path) and not entry.app.config.get("hassio_api"):
        return refuse(403, "403: Forbidden")
    request[ENTRY] = entry
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return refuse(404, f"not provided by the stand-in Supervisor: {path}")


async def _ping(_request: web.Request) -> web.Response:
    return ok()


async def _info(request: web.Request) -> web.Response:
    return ok(
        {
            "supervisor": "2026.08.0",
            "homeassistant": "2026.11.0",
            "hassos": None,
            "docker": "podman",
            "hostname": "homeassistant",
            "operating_system": "Debian",
            "machine": "generic-x86-64",
            "arch": architecture(),
            "supported_arch": [architecture()],
            "state": "running",
            "channel": "stable",
            "timezone": request.app[REGISTRY].timezone,
        }
    )


async def _mqtt(request: web.Request) -> web.Response:
    services = request[ENTRY].app.config.get("services", ())
    if not {"mqtt:need", "mqtt:want"}.intersection(services):
        return refuse(403, "No access to mqtt service!")
    service = request.app[REGISTRY].mqtt
    return refuse(400, "Service not enabled") if service is None else ok(service.answer())


async def _self_info(request: web.Request) -> web.Response:
    entry: Entry = request[ENTRY]
    app = entry.app
    return ok(
        {
            "slug": app.full_slug,
            "name": app.config["name"],
            "hostname": app.hostname,
            "dns": [f"{app.hostname}.local.hass.io"],
            "version": app.version,
            "state": "started",
            "options": entry.options,
            "network": entry.network or None,
            "ip_address": entry.address,
            "ingress": bool(app.config.get("ingress")),
            "ingress_entry": entry.ingress_entry,
            "ingress_url": f"{entry.ingress_entry}/{app.config.get('ingress_entry', '')}",
            "ingress_port": app.ingress_port,
            "watchdog": False,
            "update_available": False,
            "arch": list(app.config["arch"]),
        }
    )


async def _options(request: web.Request) -> web.Response:
    return ok(request[ENTRY].options)


async def _set_options(request: web.Request) -> web.Response:
    """Stored for the next start, as in the real one; the running app keeps its file."""
    entry: Entry = request[ENTRY]
    body = await request.json()
    if "options" in body:
        try:
            entry.options = entry.app.options(body["options"])
        except OptionsRefused as refused:
            return refuse(400, str(refused))
    return ok()


async def _stop(request: web.Request) -> web.Response:
    entry: Entry = request[ENTRY]
    asyncio.get_running_loop().run_in_executor(None, entry.stop)
    return ok()


async def _restart(request: web.Request) -> web.Response:
    entry: Entry = request[ENTRY]
    asyncio.get_running_loop().run_in_executor(None, entry.restart)
    return ok()


async def _core_rest(request: web.Request) -> web.StreamResponse:
    if not request[ENTRY].app.config.get("homeassistant_api"):
        return refuse(403, "403: Forbidden")
    return await core_proxy.pass_rest(request, request.app[REGISTRY].core)


async def _core_websocket(request: web.Request) -> web.StreamResponse:
    registry = request.app[REGISTRY]

    def may(token: str) -> bool:
        entry = registry.by_token(token)
        return entry is not None and bool(entry.app.config.get("homeassistant_api"))

    return await core_proxy.pass_websocket(request, registry.core, may)
