"""The whole server: limits, TLS, stopping, and the program as a process of its own."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from ocpp_proxy.errors import OptionError
from ocpp_proxy.health import Health
from ocpp_proxy.server import ProxyServer
from ocpp_proxy.tls import Certificate, TlsListener, bare_context

from ocpp_proxy import listener
from tests.ocpp_proxy.conftest import StartCentral, StartProxy
from tests.ocpp_proxy.harness import (
    SOON,
    Central,
    ask,
    central_system,
    charger,
    closed_with,
    free_port,
    proxy_process,
    proxy_server,
    request,
    until,
)

HEARTBEAT = '[2,"1","Heartbeat",{}]'


async def cut_off(port: int, *, source: str = "127.0.0.1", first: bytes = b"") -> bytes:
    """What a connection gets until its end."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    except ConnectionError:
        return b""
    try:
        async with asyncio.timeout(SOON):
            writer.write(first)
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


# Who is let in at all.


async def test_an_address_that_is_not_allowed_gets_no_byte(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(central.port, allowed_ips=["127.0.0.1", "192.0.2.0/24"])
    assert await cut_off(proxy.port, source="127.0.0.2", first=request()) == b""
    assert (await ask(proxy.port, request())).status == 101


async def test_handshakes_at_once_are_limited_per_address_and_in_all(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(central.port, max_connections=4)
    async with AsyncExitStack() as stack:

        async def dawdle(source: str) -> None:
            _, writer = await asyncio.open_connection(
                "127.0.0.1", proxy.port, local_addr=(source, 0)
            )
            stack.callback(writer.close)

        for source in ("127.0.0.2", "127.0.0.2", "127.0.0.3"):
            await dawdle(source)
        await until(lambda: len(proxy._slots) == 3)
        assert await cut_off(proxy.port, source="127.0.0.2", first=request()) == b""
        assert (await ask(proxy.port, request(), source="127.0.0.4")).status == 101
        await dawdle("127.0.0.5")
        await until(lambda: len(proxy._slots) == 4)
        assert await cut_off(proxy.port, source="127.0.0.6", first=request()) == b""
    await until(lambda: len(proxy._slots) == 0)
    assert (await ask(proxy.port, request())).status == 101


async def test_a_slow_handshake_is_cut_off(start_proxy: StartProxy, central: Central) -> None:
    proxy = await start_proxy(central.port, pace={"handshake_timeout": 0.5})
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

    async def drip() -> None:
        for byte in request():
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(SOON):
        # Bytes still under way when the other end closes are answered with a reset.
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    dripping.cancel()
    await asyncio.wait([dripping])
    writer.close()
    await until(lambda: len(proxy._slots) == 0)


async def test_tls_on_the_plain_port_is_cut_off_at_once_with_a_hint(
    proxy: ProxyServer, caplog: pytest.LogCaptureFixture
) -> None:
    hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
    assert await cut_off(proxy.port, source="127.0.0.77", first=hello) == b""
    assert "set the wallbox to ws:// or switch ssl on" in caplog.text


async def test_who_connects_and_says_nothing_is_closed(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(central.port, ping_interval=0, pace={"first_message_timeout": 0.3})
    async with charger(proxy.port, "/talks") as talks, charger(proxy.port, "/quiet") as quiet:
        await talks.send(HEARTBEAT)
        assert (await closed_with(quiet))[0] == 1008
        await until(lambda: [one.station.id for one in proxy.stations.sessions] == ["talks"])


async def test_an_answered_ping_is_as_good_as_a_message(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(
        central.port, pace={"first_message_timeout": 0.3, "ping_interval": 0.05}
    )
    async with charger(proxy.port):
        session = proxy.stations.sessions[0]
        await until(lambda: session.charger.latency > 0)
        await asyncio.sleep(0.4)
        assert proxy.stations.sessions == [session]


async def test_a_hundred_connects_leave_nothing_behind(
    proxy: ProxyServer, central: Central
) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with charger(proxy.port):
        pass
    await until(lambda: len(central.closes) == 1)
    before, tasks = open_files(), len(asyncio.all_tasks())
    for number in range(100):
        async with charger(proxy.port, f"/CP{number % 7}"):
            pass
    await until(lambda: len(central.closes) == 101)
    await until(lambda: open_files() <= before)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
    assert proxy._legs == set()
    assert len(proxy._slots) == 0


async def test_both_address_families_are_served(start_proxy: StartProxy, central: Central) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    proxy = await start_proxy(central.port, listen_host="::", allowed_ips=["127.0.0.1", "::1"])
    assert (await ask(proxy.port, request())).status == 101
    assert central.requests[0][1]["X-Forwarded-For"] == "127.0.0.1"
    reader, writer = await asyncio.open_connection("::1", proxy.port)
    writer.write(request("/CP6"))
    assert b" 101 " in await reader.readline()
    writer.close()


async def test_running_out_of_file_handles_is_survived(
    proxy: ProxyServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert proxy._listener is not None
    accept, failures = proxy._listener._loop.sock_accept, 2

    async def fail_first(sock: socket.socket) -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise OSError(24, "Too many open files")
        return await accept(sock)

    monkeypatch.setattr(proxy._listener._loop, "sock_accept", fail_first)
    assert (await ask(proxy.port, request())).status == 101
    assert (await ask(proxy.port, request("/CP2"))).status == 101
    assert "Too many open files" in caplog.text


# Health.


async def test_health_is_about_ourselves_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    async with proxy_server(folder, free_port()) as proxy:
        health = Health(proxy)
        health.start()
        assert health.report().well
        assert proxy._listener is not None
        await proxy._listener.stop()
        assert not health.report().listening
        shutil.rmtree(folder)
        assert not health.report().store
        assert not health.report().well
        health.stop()


# TLS.


def make_certificate(folder: Path, name: str = "proxy", kind: str = "rsa:2048") -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", kind, "-nodes", "-days", "2", "-subj",
         f"/CN={name}", "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def trusting(ciphers: str | None = None, version: Any = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def common_name(connection: Any) -> bytes:
    certificate = connection.transport.get_extra_info("ssl_object").getpeercert(True)
    return bytes(certificate)


@pytest.fixture
async def tls_proxy(start_proxy: StartProxy, central: Central, tmp_path: Path) -> ProxyServer:
    await asyncio.to_thread(make_certificate, tmp_path)
    central.reply = lambda message: message
    return await start_proxy(central.port, ssl=True, tls_folder=tmp_path)


async def test_wss_is_relayed(tls_proxy: ProxyServer, central: Central) -> None:
    async with charger(tls_proxy.port, ssl=trusting()) as box:
        await box.send(HEARTBEAT)
        assert await box.recv() == HEARTBEAT
        assert central.requests[0][1]["X-Forwarded-Proto"] == "wss"
        await box.send("x" * 500_000)
        assert await box.recv() == "x" * 500_000
    await until(lambda: central.closes == [(1000, "")])


async def test_plain_bytes_on_the_tls_port_are_cut_off_with_a_hint(
    tls_proxy: ProxyServer, caplog: pytest.LogCaptureFixture
) -> None:
    assert b"101" not in await cut_off(tls_proxy.port, source="127.0.0.78", first=request())
    await until(lambda: "set the wallbox to wss://" in caplog.text)
    await until(lambda: len(tls_proxy._slots) == 0)


async def test_silence_on_the_tls_port_is_cut_off(
    start_proxy: StartProxy, central: Central, tmp_path: Path
) -> None:
    await asyncio.to_thread(make_certificate, tmp_path)
    proxy = await start_proxy(
        central.port, ssl=True, tls_folder=tmp_path, pace={"handshake_timeout": 0.3}
    )
    assert await cut_off(proxy.port) == b""
    await until(lambda: len(proxy._slots) == 0)


async def test_an_address_that_is_not_allowed_gets_no_tls_handshake(
    start_proxy: StartProxy, central: Central, tmp_path: Path
) -> None:
    await asyncio.to_thread(make_certificate, tmp_path)
    proxy = await start_proxy(
        central.port, ssl=True, tls_folder=tmp_path, allowed_ips=["192.0.2.1"]
    )
    with pytest.raises((OSError, ssl.SSLError)):
        async with charger(proxy.port, ssl=trusting()):
            pass


async def test_old_suites_only_with_tls_legacy(
    start_proxy: StartProxy, tls_proxy: ProxyServer, central: Central, tmp_path: Path
) -> None:
    old = "AES128-GCM-SHA256"
    with pytest.raises((OSError, ssl.SSLError)):
        async with charger(tls_proxy.port, ssl=trusting(old)):
            pass
    legacy = await start_proxy(central.port, ssl=True, tls_folder=tmp_path, tls_legacy=True)
    async with charger(legacy.port, ssl=trusting(old)) as box:
        assert box.transport.get_extra_info("cipher")[0] == old
    with pytest.raises((OSError, ssl.SSLError)), pytest.warns(match="TLSv1_1"):
        async with charger(legacy.port, ssl=trusting(version=ssl.TLSVersion.TLSv1_1)):
            pass


async def test_a_renewed_certificate_serves_new_connections_and_leaves_old_ones(
    tls_proxy: ProxyServer, tmp_path: Path
) -> None:
    async with charger(tls_proxy.port, "/old", ssl=trusting()) as old:
        before = common_name(old)
        assert not tls_proxy.reload_certificate()
        await asyncio.to_thread(make_certificate, tmp_path, "renewed")
        assert tls_proxy.reload_certificate()
        async with charger(tls_proxy.port, "/new", ssl=trusting()) as new:
            assert common_name(new) != before
        await old.send(HEARTBEAT)
        assert await old.recv() == HEARTBEAT


async def test_a_key_that_does_not_fit_leaves_the_old_certificate_in_use(
    tls_proxy: ProxyServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chain = (tmp_path / "fullchain.pem").read_bytes()
    await asyncio.to_thread(make_certificate, tmp_path, "other")
    (tmp_path / "fullchain.pem").write_bytes(chain)
    assert not tls_proxy.reload_certificate()
    assert "not reloaded" in caplog.text
    async with charger(tls_proxy.port, ssl=trusting()) as box:
        await box.send(HEARTBEAT)
        assert await box.recv() == HEARTBEAT
    (tmp_path / "privkey.pem").unlink()
    assert not tls_proxy.reload_certificate()
    async with charger(tls_proxy.port, "/CP2", ssl=trusting()):
        pass


def test_unusable_certificate_files_are_named(tmp_path: Path) -> None:
    files = Certificate.of("fullchain.pem", "/nowhere/key.pem", tmp_path)
    assert files.chain == tmp_path / "fullchain.pem"
    assert files.key == Path("/nowhere/key.pem")
    with pytest.raises(OptionError, match="option certfile"):
        TlsListener(files)
    (tmp_path / "fullchain.pem").write_text("x")
    with pytest.raises(OptionError, match="option keyfile"):
        TlsListener(files)
    with pytest.raises(OptionError, match="cannot be used together"):
        TlsListener(Certificate.of("fullchain.pem", "fullchain.pem", tmp_path))


def test_the_context_offers_nothing_old() -> None:
    names = {cipher["name"] for cipher in bare_context().get_ciphers()}
    assert not any("CBC" in name or name.startswith("AES") for name in names)
    assert bare_context().minimum_version is ssl.TLSVersion.TLSv1_2
    legacy = {cipher["name"] for cipher in bare_context(legacy=True).get_ciphers()}
    assert legacy - names == {"AES128-GCM-SHA256", "AES256-GCM-SHA384"}


async def test_wss_upstream_is_verified(
    start_central: StartCentral, start_proxy: StartProxy, tmp_path: Path
) -> None:
    await asyncio.to_thread(make_certificate, tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    central = await start_central(ssl=context)
    proxy = await start_proxy(f"wss://127.0.0.1:{central.port}")
    assert (await ask(proxy.port, request())).status == 502


# Stopping.


async def test_a_stop_says_goodbye_to_both_sides(tmp_path: Path, central: Central) -> None:
    async with AsyncExitStack() as boxes:
        async with proxy_server(tmp_path, central.port) as proxy:
            connected = [
                await boxes.enter_async_context(charger(proxy.port, f"/CP{n}")) for n in range(5)
            ]
        for box in connected:
            assert (await closed_with(box))[0] == 1001
    await until(lambda: [code for code, _ in central.closes] == [1001] * 5)


async def test_a_stop_does_not_wait_for_peers_that_do_nothing(
    tmp_path: Path, central: Central
) -> None:
    async with AsyncExitStack() as boxes:
        proxy = await boxes.enter_async_context(proxy_server(tmp_path, central.port))
        box = await boxes.enter_async_context(charger(proxy.port))
        box.transport.pause_reading()
        central.connections[0].transport.pause_reading()
        async with asyncio.timeout(10):
            await proxy.stop()
        assert proxy._legs == set() or all(leg.gone.done() for leg in proxy._legs)


# As a process.


async def test_the_program_relays_and_stops_with_0(tmp_path: Path) -> None:
    async with (
        central_system() as central,
        proxy_process(tmp_path, "--target-host", "127.0.0.1", "--target-port", str(central.port),
                      "--debug") as proxy,
    ):  # fmt: skip
        central.reply = lambda message: '[3,"1",{}]'
        await until(lambda: any("listening on" in line for line in proxy.lines))
        async with charger(proxy.port, "//ocpp//AcTec001/") as box:
            await box.send(HEARTBEAT)
            await box.recv()
            await box.send('[2,"2","Authorize",{"idTag":"04A2B3C4D59F"}]')
            assert await proxy.stop() == 0
            assert (await closed_with(box))[0] == 1001
    text = "\n".join(proxy.lines)
    assert "AcTec001 connected from 127.0.0.1, ocpp1.6" in text
    assert "AcTec001 → CALL Heartbeat 1 22 B" in text
    assert "AcTec001 ← CALLRESULT Heartbeat 1" in text
    assert central.requests[0][0] == "/ocpp/AcTec001"
    assert all(line.startswith("[") for line in proxy.lines)
    assert "04A2B3C4D59F" not in text


async def test_a_trace_shows_payloads_without_secrets(tmp_path: Path) -> None:
    async with central_system() as central:
        options = {"target_url": central.url, "log_level": "trace"}
        async with proxy_process(tmp_path, options=options) as proxy:
            await until(lambda: any("listening on" in line for line in proxy.lines))
            async with charger(proxy.port) as box:
                key = {"key": "AuthorizationKey", "value": "00112233445566778899"}
                await central.connections[0].send(
                    f'[2,"k","ChangeConfiguration",{key}]'.replace("'", '"')
                )
                await box.recv()
                await box.send('[2,"2","Authorize",{"idTag":"04A2B3C4D59F"}]')
                await until(lambda: any("04A2" in line for line in proxy.lines))
            assert await proxy.stop() == 0
    text = "\n".join(proxy.lines)
    assert '"AuthorizationKey","value":"…"' in text.replace('": "', '":"').replace('", "', '","')
    assert "0011223344" not in text
    assert '"idTag":"04A2…9F"' in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target_port": "x"}, "FATAL: option target_port"),
        ({"ssl": True, "certfile": "/nowhere"}, "FATAL: option certfile: /nowhere cannot be read"),
    ],
)
async def test_a_bad_option_is_one_fatal_line_and_code_1(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    async with proxy_process(tmp_path, options=options) as proxy:
        assert await proxy.ended() == 1
    assert [line for line in proxy.lines if "FATAL" in line and said in line]
    assert not any("Traceback" in line for line in proxy.lines)


async def test_a_taken_port_is_one_fatal_line_and_code_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with proxy_process(tmp_path, "--listen-port", port) as proxy:
            assert await proxy.ended() == 1
    assert any("FATAL: option --listen-port" in line for line in proxy.lines)


async def test_an_unforeseen_error_is_code_70(tmp_path: Path) -> None:
    broken = """if True:
        import sys
        from ocpp_proxy import __main__, service
        service.run = lambda settings: 1 / 0
        sys.exit(__main__.main(["--data", sys.argv[1]]))
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", broken, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 70
    assert b"ZeroDivisionError" in output


async def test_no_page_library_is_loaded_while_there_is_no_page() -> None:
    lazy = ("aiohttp", "aiomqtt", "jinja2", "requests", "paho")
    code = f"import sys, ocpp_proxy.service; print([n for n in {lazy} if n in sys.modules])"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.strip() == b"[]"


async def test_a_broker_in_the_options_is_dialled_and_does_not_delay_the_stop(
    tmp_path: Path,
) -> None:
    first: list[bytes] = []

    async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first.append(await reader.read(1))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(broker, "127.0.0.1", 0)
    options = {"mqtt_host": "127.0.0.1", "mqtt_port": server.sockets[0].getsockname()[1]}
    async with proxy_process(tmp_path, options=options) as proxy:
        # An MQTT CONNECT packet (MQTT 3.1.1 §3.1).
        await until(lambda: first == [b"\x10"])
        async with asyncio.timeout(10):
            assert await proxy.stop() == 0
    server.close()


def test_a_host_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(OptionError, match="--listen-host"):
        listener.open_socket("192.0.2.1", 0)
    with pytest.raises(OptionError, match="--listen-host"):
        listener.open_socket("nobody.invalid", 0)
