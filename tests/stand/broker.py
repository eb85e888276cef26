"""A Mosquitto on a free port of loopback: with password, with TLS, stoppable and startable again.

The stand's certificates are made by `openssl` at run time and live for a day.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
START_TIMEOUT = 15.0
STOP_TIMEOUT = 10.0


def free_port() -> int:
    """A TCP port of loopback nobody uses at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class TestBroker:
    """One broker with its folder; it keeps retained messages over a restart when told so."""

    __test__ = False

    folder: Path
    username: str = "addons"
    password: str = "a secret; with # signs"
    tls: bool = False
    persistent: bool = False
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    _process: asyncio.subprocess.Process | None = None

    @property
    def ca(self) -> Path:
        """The authority that signed the TLS certificate (made for `localhost` and 127.0.0.1)."""
        return self.folder / "ca.pem"

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        if self._process is None and not (self.folder / "mosquitto.conf").exists():
            self._write_files()
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                MOSQUITTO,
                "-c",
                str(self.folder / "mosquitto.conf"),
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(START_TIMEOUT):
            while not await self._listens():
                if self._process.returncode is not None:
                    raise RuntimeError(f"mosquitto ended at its start:\n{self.log()}")
                await asyncio.sleep(0.05)

    async def stop(self, *, kill: bool = False) -> None:
        """End it by SIGTERM (it then writes its store), or by SIGKILL."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        async with asyncio.timeout(STOP_TIMEOUT):
            await self._process.wait()

    def freeze(self) -> None:
        """Stop its execution without closing anything, like a host that fell off the network."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        """What it wrote so far."""
        return (self.folder / "mosquitto.log").read_text(encoding="utf-8", errors="replace")

    def client(self, identifier: str | None = None) -> aiomqtt.Client:
        """An observer's or controller's client for `async with`."""
        context = None
        if self.tls:
            # Not create_default_context: since Python 3.13 it refuses authorities made as simply
            # as this one, which many owners have.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(self.ca)
        return aiomqtt.Client(
            "localhost" if self.tls else self.host,
            self.port,
            username=self.username or None,
            password=self.password or None,
            identifier=identifier,
            tls_context=context,
        )

    async def retained(self, topic: str = "#") -> dict[str, str]:
        """All retained messages under a topic filter, in the order the broker sends them."""
        found: dict[str, str] = {}
        end = f"end-of-retained/{os.urandom(4).hex()}"
        async with self.client() as client:
            await client.subscribe(topic, qos=1)
            await client.subscribe(end, qos=1)
            await client.publish(end, "", qos=1)
            async for message in client.messages:
                if message.topic.value == end:
                    break
                if message.retain:
                    assert isinstance(message.payload, bytes)
                    found[message.topic.value] = message.payload.decode()
        return found

    async def _listens(self) -> bool:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(self.host, self.port)
            writer.close()
            return True
        return False

    def _write_files(self) -> None:
        lines = [f"listener {self.port} {self.host}", "log_type all", "user root"]
        if self.username:
            passwords = self.folder / "passwords"
            passwords.write_text(f"{self.username}:{self.password}\n", encoding="utf-8")
            passwords.chmod(0o600)
            subprocess.run(["mosquitto_passwd", "-U", passwords], check=True)
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        else:
            lines.append("allow_anonymous true")
        if self.tls:
            make_certificates(self.folder)
            lines += [f"certfile {self.folder}/cert.pem", f"keyfile {self.folder}/key.pem"]
        if self.persistent:
            lines += ["persistence true", f"persistence_location {self.folder}/"]
        (self.folder / "mosquitto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_certificates(folder: Path) -> None:
    """`ca.pem`, and `cert.pem` with `key.pem` signed by it for localhost and 127.0.0.1."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    ca = ["-x509", *curve, "-subj", "/CN=test stand", "-keyout", "ca.key", "-out", "ca.pem"]
    leaf = ["-x509", *curve, "-subj", "/CN=localhost", "-addext", names, "-CA", "ca.pem"]
    leaf += ["-CAkey", "ca.key", "-keyout", "key.pem", "-out", "cert.pem"]
    leaf += ["-addext", "basicConstraints=critical,CA:FALSE"]
    for arguments in (ca, leaf):
        subprocess.run(
            ["openssl", "req", *arguments], cwd=folder, check=True, capture_output=True, timeout=30
        )


@contextlib.asynccontextmanager
async def running(broker: TestBroker) -> AsyncIterator[TestBroker]:
    """The broker for the time of a `with` block."""
    await broker.start()
    try:
        yield broker
    finally:
        if broker._process is not None and broker._process.returncode is None:
            broker.thaw()
        await broker.stop()
