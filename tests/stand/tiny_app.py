"""A tiny app, written by the tests of the stand: one page that tells what it sees."""

import textwrap
from pathlib import Path

import pytest

CONFIG = """\
    name: Tiny
    version: "0.0.1"
    slug: tiny
    description: Tells what it sees
    arch: [aarch64, amd64]
    init: false
    ingress: true
    homeassistant_api: true
    timeout: 15
    services: ["mqtt:want"]
    map: ["ssl"]
    ports: {"8888/tcp": 8888}
    environment: {GREETING: hello}
    options: {word: tree, number: 3}
    schema: {word: str, number: "int(1,9)", extra: "str?"}
"""
DOCKERFILE = """\
    FROM ghcr.io/home-assistant/base-debian:trixie
    ARG BUILD_ARCH
    ARG BUILD_VERSION
    RUN apt-get update && apt-get install -y --no-install-recommends python3-aiohttp \\
        && rm -rf /var/lib/apt/lists/*
    COPY rootfs /
    LABEL io.hass.version="${BUILD_VERSION}" io.hass.arch="${BUILD_ARCH}"
    HEALTHCHECK --interval=60s --timeout=5s \\
        CMD ["curl", "--fail", "--silent", "http://127.0.0.1:8099/health"]
"""
RUN = """\
    #!/command/with-contenv bash
    exec python3 /srv/tiny.py
"""
PROGRAM = """\
    import json, os
    from aiohttp import ClientSession, web

    async def ask(path):
        headers = {"Authorization": "Bearer " + os.environ["SUPERVISOR_TOKEN"]}
        async with ClientSession(headers=headers) as session:
            async with session.get("http://supervisor" + path) as answer:
                return {"status": answer.status, "body": await answer.json(content_type=None)}

    async def options(request):
        return web.json_response(json.load(open("/data/options.json")))

    async def environment(request):
        return web.json_response(dict(os.environ))

    async def seen(request):
        return web.json_response({"peer": request.remote, "headers": dict(request.headers)})

    async def asked(request):
        return web.json_response(await ask(request.query["path"]))

    async def echo(request):
        socket = web.WebSocketResponse(protocols=["chat"])
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{socket.ws_protocol}: {message.data}")
        return socket

    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first;")
        await request.app["more"].wait()
        await response.write(b"second")
        return response

    async def more(request):
        request.app["more"].set()
        return web.Response()

    async def health(request):
        return web.Response(status=500 if os.path.exists("/data/ill") else 200)

    async def prepare(app):
        import asyncio
        app["more"] = asyncio.Event()

    app = web.Application()
    app.on_startup.append(prepare)
    for path, handler in [("/options", options), ("/environment", environment), ("/seen", seen),
                          ("/asked", asked), ("/echo", echo), ("/stream", stream),
                          ("/more", more), ("/health", health)]:
        app.router.add_get(path, handler)
    web.run_app(app, port=8099, print=lambda text: print("tiny is up", flush=True))
"""
SERVICE = "rootfs/etc/s6-overlay/s6-rc.d"


@pytest.fixture(scope="session")
def tiny_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny app."""
    folder = tmp_path_factory.mktemp("tiny")
    files = {
        "config.yaml": CONFIG,
        "Dockerfile": DOCKERFILE,
        "rootfs/srv/tiny.py": PROGRAM,
        f"{SERVICE}/svc-tiny/type": "longrun\n",
        f"{SERVICE}/svc-tiny/run": RUN,
        f"{SERVICE}/svc-tiny/dependencies.d/base": "",
        f"{SERVICE}/user/contents.d/svc-tiny": "",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder
