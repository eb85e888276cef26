"""ocpp_proxy beside nginx and HAProxy in the same run: round trips, throughput, memory, start."""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import tables, websocket_proxies
from tests.bench.measured import cpu_seconds, median, open_files, percentile, rss_kilobytes
from tests.bench.verdicts import Row, at_least, at_most

STATIONS, RATE = 20, 20.0
SATURATING = 50
PAIRS = 500
CYCLES = 1000
OPEN_LIMITS = {"max_connections": 4096}


@dataclass(frozen=True)
class Sizes:
    """How long and how often; `--quick` is for trying the bench itself."""

    runs: int = 5
    schedule_seconds: float = 10.0
    saturation_seconds: float = 5.0


@dataclass
class Figures:
    """Everything measured, run by run."""

    latency_ms: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    per_second: dict[str, list[float]] = field(default_factory=dict)
    base_kb: list[float] = field(default_factory=list)
    pair_kb: dict[str, list[float]] = field(default_factory=dict)
    start_seconds: list[float] = field(default_factory=list)
    leaked_files: list[float] = field(default_factory=list)
    alive_of_500: list[float] = field(default_factory=list)
    cpu_per_1000: list[float] = field(default_factory=list)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_listening(port: int, seconds: float = 20.0) -> None:
    """Returns once something accepts on the port; raises TimeoutError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    raise TimeoutError(f"nothing listens on port {port} after {seconds:.0f} s")


@contextmanager
def running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Ends the process with the block."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def start_upstream(port: int) -> subprocess.Popen[bytes]:
    """The answering upstream."""
    command = [sys.executable, "-m", "tests.bench.answering_upstream", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_listening(port)
    return process


def start_proxy(
    folder: Path, port: int, upstream: int, **options: object
) -> subprocess.Popen[bytes]:
    """Our proxy as one process, limits out of the way, MQTT off."""
    settings = folder / f"options-{port}.json"
    settings.write_text(json.dumps({**OPEN_LIMITS, "mqtt_discovery": False, **options}))
    command = [
        sys.executable, "-m", "ocpp_proxy",
        "--options", str(settings), "--data", str(folder / "data"),
        "--listen-host", "127.0.0.1", "--listen-port", str(port),
        "--target-host", "127.0.0.1", "--target-port", str(upstream), "--page-port", "0",
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def load(kind: str, url: str, stations: int, seconds: float = 0.0) -> dict[str, Any]:
    """One load process and what it measured."""
    command = [
        sys.executable, "-m", "tests.bench.wallbox_load", kind, "--url", url,
        "--stations", str(stations), "--rate", str(RATE), "--seconds", str(seconds),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"load {kind} on {url} failed: {done.stderr[-500:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def say(text: str) -> None:
    """One line of progress."""
    print(f"  {text}", flush=True)


def measure_traffic(figures: Figures, sizes: Sizes, folder: Path) -> None:
    """Round trips and throughput: direct, nginx, HAProxy, ours, in turn, each run anew."""
    ports = {name: free_port() for name in ("direct", "nginx", "haproxy", "ours")}
    upstream = ports["direct"]
    with (
        running(start_upstream(upstream)),
        running(websocket_proxies.start_nginx(folder, ports["nginx"], upstream)),
        running(websocket_proxies.start_haproxy(folder, ports["haproxy"], upstream)),
        running(start_proxy(folder, ports["ours"], upstream)) as ours,
    ):
        for port in ports.values():
            wait_listening(port)
        for run in range(sizes.runs):
            for name, port in ports.items():
                _traffic_once(figures, sizes, name, port, ours.pid)
            say(f"traffic: run {run + 1} of {sizes.runs} done")


def _traffic_once(figures: Figures, sizes: Sizes, name: str, port: int, ours: int) -> None:
    url = f"ws://127.0.0.1:{port}"
    found = load("scheduled", url, STATIONS, sizes.schedule_seconds)["latencies_ms"]
    figures.latency_ms.setdefault(name, []).append(
        {
            part: percentile(found, value)
            for part, value in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
        }
    )
    before = cpu_seconds(ours)
    rate = load("saturated", url, SATURATING, sizes.saturation_seconds)["per_second"]
    figures.per_second.setdefault(name, []).append(rate)
    if name == "ours":
        used = cpu_seconds(ours) - before
        figures.cpu_per_1000.append(used / (rate * sizes.saturation_seconds) * 1000)


def measure_memory(figures: Figures, sizes: Sizes, folder: Path, tls: bool) -> None:
    """Memory of the one process: alone, and with 500 idle pairs."""
    upstream = free_port()
    options: dict[str, object] = {}
    if tls:
        options = {
            "ssl": True,
            "certfile": str(folder / "cert.pem"),
            "keyfile": str(folder / "key.pem"),
        }
    with running(start_upstream(upstream)):
        for _ in range(sizes.runs):
            port = free_port()
            with running(start_proxy(folder, port, upstream, **options)) as proxy:
                wait_listening(port)
                base = float(rss_kilobytes(proxy.pid))
                _with_idle_pairs(figures, proxy.pid, port, base, folder, tls)
                if not tls:
                    figures.base_kb.append(base)
                    _count_leaks(figures, proxy.pid, port)
    say(f"memory {'behind TLS' if tls else 'plain'}: done")


def _with_idle_pairs(
    figures: Figures, pid: int, port: int, base: float, folder: Path, tls: bool
) -> None:
    url = f"{'wss' if tls else 'ws'}://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "tests.bench.wallbox_load", "idle", "--url", url,
        "--stations", str(PAIRS), *(["--cafile", str(folder / "cert.pem")] if tls else []),
    ]  # fmt: skip
    idle = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert idle.stdin is not None
    assert idle.stdout is not None
    json.loads(idle.stdout.readline())
    per_pair = (rss_kilobytes(pid) - base) / PAIRS
    figures.pair_kb.setdefault("tls" if tls else "plain", []).append(per_pair)
    idle.stdin.close()
    figures.alive_of_500.append(float(json.loads(idle.stdout.readline())["alive"]))
    idle.wait(60)


def _count_leaks(figures: Figures, pid: int, port: int) -> None:
    before = open_files(pid)
    load("cycles", f"ws://127.0.0.1:{port}", CYCLES)
    until = time.monotonic() + 10
    while open_files(pid) > before and time.monotonic() < until:
        time.sleep(0.1)
    figures.leaked_files.append(float(open_files(pid) - before))


def measure_start(figures: Figures, sizes: Sizes, folder: Path) -> None:
    """From starting the program to the first accepted connection."""
    for _ in range(sizes.runs):
        port = free_port()
        begin = time.perf_counter()
        with running(start_proxy(folder, port, free_port())):
            wait_listening(port)
            figures.start_seconds.append(time.perf_counter() - begin)


def make_certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1, two days long."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip


def rows(figures: Figures) -> list[Row]:
    """The figures against their targets, medians of all runs."""

    def latency(name: str, part: str) -> float:
        return median([run[part] for run in figures.latency_ms[name]])

    def added(name: str, part: str) -> float:
        return latency(name, part) - latency("direct", part)

    rate = {name: median(values) for name, values in figures.per_second.items()}
    traffic = f"{STATIONS} stations × {RATE:.0f} messages/s"
    peers = "nginx {:.2f}, HAProxy {:.2f}"
    return [
        at_most(f"added round trip p50, {traffic}", added("ours", "p50"), 1.0, "ms",
                peers.format(added("nginx", "p50"), added("haproxy", "p50"))),
        at_most(f"added round trip p99, {traffic}", added("ours", "p99"), 5.0, "ms",
                peers.format(added("nginx", "p99"), added("haproxy", "p99"))),
        at_least(f"throughput, {SATURATING} stations saturating, beside nginx",
                 rate["ours"] / rate["nginx"] * 100, 80.0, "%",
                 "ours {ours:.0f}/s, nginx {nginx:.0f}/s, HAProxy {haproxy:.0f}/s,"
                 " direct {direct:.0f}/s".format(**rate)),
        at_most("memory alone (RSS)", median(figures.base_kb) / 1024, 45.0, "MB", "–"),
        at_most("memory per idle pair, plain", median(figures.pair_kb["plain"]), 60.0, "kB", "–"),
        at_most("memory per idle pair, TLS", median(figures.pair_kb["tls"]), 110.0, "kB", "–"),
        at_least("stations alive of 500", min(figures.alive_of_500), 500.0, "", "–"),
        at_most("start to first connection", median(figures.start_seconds), 2.0, "s", "–"),
        at_most(f"files left open after {CYCLES} connections", max(figures.leaked_files), 0.0, "",
                "–"),
        Row("processor time per 1000 messages", f"{median(figures.cpu_per_1000) * 1000:.0f} ms",
            "–", "–", "–"),
    ]  # fmt: skip


def conditions(sizes: Sizes) -> str:
    """What the figures rest on, one sentence."""
    return (
        f"Median of {sizes.runs} runs on {os.cpu_count()} cores ({platform.machine()}), Python"
        f" {platform.python_version()}, {ssl.OPENSSL_VERSION}; load, proxy and upstream share the"
        f" machine; MeterValues of 1,289 bytes answered by an empty CALLRESULT; nginx"
        f" {websocket_proxies.version_of('nginx')} and HAProxy"
        f" {websocket_proxies.version_of('haproxy')} with one worker and no logs; ours as one"
        " process, MQTT and page off, connection limit raised."
    )


def main() -> None:
    """All measurements, then the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run, to try the bench")
    sizes = Sizes(1, 3.0, 2.0) if parser.parse_args().quick else Sizes()
    figures = Figures()
    tables.RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ocpp-bench-") as name:
        folder = Path(name)
        make_certificate(folder)
        measure_start(figures, sizes, folder)
        measure_memory(figures, sizes, folder, tls=False)
        measure_memory(figures, sizes, folder, tls=True)
        measure_traffic(figures, sizes, folder)
    written = {
        "conditions": conditions(sizes),
        "rows": [row.as_dict() for row in rows(figures)],
        "runs": figures.__dict__,
    }
    tables.results_file("ocpp_proxy").write_text(json.dumps(written, indent=2) + "\n")
    for row in rows(figures):
        print(f"{row.figure:<62} {row.ours:>12}  target {row.target:<10} {row.met}  {row.peer}")


if __name__ == "__main__":
    main()
