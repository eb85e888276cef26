"""ocpp_proxy beside nginx and HAProxy in the same run: round trips, throughput, memory, start.

Two forms of ours: bare, and with MQTT entities and the page.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import tables, websocket_proxies
from tests.bench.measured import cpu_seconds, median, open_files, percentile, rss_kilobytes
from tests.bench.ocpp_proxy_programs import (
    RATE,
    Form,
    IdleStations,
    free_port,
    load,
    running,
    start_broker,
    start_proxy,
    start_upstream,
    wait_listening,
)
from tests.bench.verdicts import Row, at_least, at_most

STATIONS, SATURATING = 20, 50
PEERS = {"nginx": websocket_proxies.start_nginx, "haproxy": websocket_proxies.start_haproxy}
PAIRS = 500
CYCLES = 1000


@dataclass(frozen=True)
class Sizes:
    """How long and how often; `--quick` is for trying the bench itself."""

    runs: int = 5
    schedule_seconds: float = 8.0
    saturation_seconds: float = 4.0


@dataclass
class Figures:
    """Everything measured, run by run; keys of ours are the forms' names."""

    latency_ms: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    per_second: dict[str, list[float]] = field(default_factory=dict)
    cpu_per_1000: dict[str, list[float]] = field(default_factory=dict)
    base_kb: dict[str, list[float]] = field(default_factory=dict)
    pair_kb: dict[str, list[float]] = field(default_factory=dict)
    alive_of_500: dict[str, list[float]] = field(default_factory=dict)
    start_seconds: list[float] = field(default_factory=list)
    leaked_files: list[float] = field(default_factory=list)


class Bench:
    """One whole measurement; `forms` need a broker that runs meanwhile."""

    def __init__(self, sizes: Sizes, folder: Path, forms: tuple[Form, ...]) -> None:
        self.figures = Figures()
        self._sizes = sizes
        self._folder = folder
        self._forms = forms

    def traffic(self) -> None:
        """Round trips and throughput of all, in turn, each run anew."""
        names = ["direct", *PEERS, *(form.name for form in self._forms)]
        ports = {name: free_port() for name in names}
        upstream = ports["direct"]
        pids: dict[str, int] = {}
        with ExitStack() as stack:
            stack.enter_context(running(start_upstream(upstream)))
            for name, start in PEERS.items():
                stack.enter_context(running(start(self._folder, ports[name], upstream)))
            for form in self._forms:
                started = start_proxy(self._folder, ports[form.name], upstream, form)
                pids[form.name] = stack.enter_context(running(started)).pid
            for port in ports.values():
                wait_listening(port)
            for run in range(self._sizes.runs):
                for name, port in ports.items():
                    self._traffic_once(name, port, pids.get(name))
                say(f"traffic: run {run + 1} of {self._sizes.runs} done")

    def _traffic_once(self, name: str, port: int, pid: int | None) -> None:
        url = f"ws://127.0.0.1:{port}"
        found = load("scheduled", url, STATIONS, self._sizes.schedule_seconds)["latencies_ms"]
        self.figures.latency_ms.setdefault(name, []).append(
            {
                part: percentile(found, value)
                for part, value in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
            }
        )
        before = cpu_seconds(pid) if pid else 0.0
        rate = load("saturated", url, SATURATING, self._sizes.saturation_seconds)["per_second"]
        self.figures.per_second.setdefault(name, []).append(rate)
        if pid:
            used = (cpu_seconds(pid) - before) / (rate * self._sizes.saturation_seconds)
            self.figures.cpu_per_1000.setdefault(name, []).append(used * 1000)

    def memory(self, form: Form, *, tls: bool = False) -> None:
        """Memory of the one process: alone, and with 500 idle pairs."""
        options: dict[str, object] = {}
        if tls:
            certificate, key = self._folder / "cert.pem", self._folder / "key.pem"
            options = {"ssl": True, "certfile": str(certificate), "keyfile": str(key)}
        name = f"{form.name}, TLS" if tls else form.name
        upstream = free_port()
        with running(start_upstream(upstream)):
            for run in range(self._sizes.runs):
                with self._proxy(form, upstream, **options) as (pid, port):
                    base = float(rss_kilobytes(pid))
                    self.figures.base_kb.setdefault(name, []).append(base)
                    self._with_idle_pairs(name, pid, port, base, tls)
                    if run == 0 and not tls:
                        self._count_leaks(pid, port)
        say(f"memory, {name}: done")

    @contextmanager
    def _proxy(self, form: Form, upstream: int, **options: object) -> Iterator[tuple[int, int]]:
        port = free_port()
        started = start_proxy(self._folder, port, upstream, form, **options)
        with running(started) as proxy:
            wait_listening(port)
            yield proxy.pid, port

    def _with_idle_pairs(self, name: str, pid: int, port: int, base: float, tls: bool) -> None:
        url = f"{'wss' if tls else 'ws'}://127.0.0.1:{port}"
        idle = IdleStations(url, PAIRS, self._folder / "cert.pem" if tls else None)
        per_pair = (rss_kilobytes(pid) - base) / PAIRS
        self.figures.pair_kb.setdefault(name, []).append(per_pair)
        self.figures.alive_of_500.setdefault(name, []).append(idle.alive())

    def _count_leaks(self, pid: int, port: int) -> None:
        before = open_files(pid)
        load("cycles", f"ws://127.0.0.1:{port}", CYCLES)
        until = time.monotonic() + 10
        while open_files(pid) > before and time.monotonic() < until:
            time.sleep(0.1)
        self.figures.leaked_files.append(float(open_files(pid) - before))

    def start(self) -> None:
        """From starting the program to the first accepted connection."""
        for _ in range(self._sizes.runs):
            begin = time.perf_counter()
            with self._proxy(self._forms[0], free_port()):
                self.figures.start_seconds.append(time.perf_counter() - begin)


def say(text: str) -> None:
    """One line of progress."""
    print(f"  {text}", flush=True)


def make_certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1, two days long."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip


def traffic_rows(figures: Figures, name: str) -> list[Row]:
    """Round trips and throughput of one form against their targets, medians of all runs."""

    def added(which: str, part: str) -> float:
        ours, direct = (
            median([run[part] for run in figures.latency_ms[each]]) for each in (which, "direct")
        )
        return ours - direct

    def beside(part: str) -> str:
        return f"nginx {added('nginx', part):.2f}, HAProxy {added('haproxy', part):.2f}"

    rate = {each: median(values) for each, values in figures.per_second.items()}
    traffic = f"{STATIONS} stations × {RATE:.0f} messages/s"
    peers = ", ".join(f"{each} {rate[each]:.0f}/s" for each in ("nginx", "haproxy", "direct"))
    return [
        at_most(f"{name}: added round trip p50, {traffic}", added(name, "p50"), 1.0, "ms",
                beside("p50")),
        at_most(f"{name}: added round trip p99, {traffic}", added(name, "p99"), 5.0, "ms",
                beside("p99")),
        at_least(f"{name}: throughput beside nginx, {SATURATING} stations saturating",
                 rate[name] / rate["nginx"] * 100, 80.0, "%", f"ours {rate[name]:.0f}/s, {peers}"),
        Row(f"{name}: processor time per 1000 messages and their answers",
            f"{median(figures.cpu_per_1000[name]) * 1000:.0f} ms", "–", "–", "–"),
    ]  # fmt: skip


def memory_rows(figures: Figures, name: str, base_limit: float) -> list[Row]:
    """Memory of one form against its targets."""
    return [
        at_most(f"{name}: memory alone (RSS)", median(figures.base_kb[name]) / 1024, base_limit,
                "MB", "–"),
        at_most(f"{name}: memory per idle pair, plain", median(figures.pair_kb[name]), 60.0, "kB",
                "–"),
        at_least(f"{name}: stations alive of {PAIRS}", min(figures.alive_of_500[name]), PAIRS, "",
                 "–"),
    ]  # fmt: skip


def rows(figures: Figures, bare: Form, full: Form) -> list[Row]:
    """All figures against their targets."""
    tls = f"{bare.name}, TLS"
    return [
        *traffic_rows(figures, bare.name),
        *memory_rows(figures, bare.name, 45.0),
        at_most("bare: memory per idle pair, TLS", median(figures.pair_kb[tls]), 110.0, "kB", "–"),
        at_most("bare: start to first connection", median(figures.start_seconds), 2.0, "s", "–"),
        at_most(f"files left open after {CYCLES} connections", max(figures.leaked_files), 0.0, "",
                "–"),
        *traffic_rows(figures, full.name),
        *memory_rows(figures, full.name, 75.0),
    ]  # fmt: skip


def conditions(sizes: Sizes) -> str:
    """What the figures rest on, one sentence."""
    return (
        f"Median of {sizes.runs} runs on {os.cpu_count()} cores ({platform.machine()}), Python"
        f" {platform.python_version()}, {ssl.OPENSSL_VERSION}; load, proxy and upstream share the"
        f" machine; MeterValues of 1,289 bytes answered by an empty CALLRESULT; nginx"
        f" {websocket_proxies.version_of('nginx')} and HAProxy"
        f" {websocket_proxies.version_of('haproxy')} with one worker and no logs; ours as one"
        " process, bare (MQTT and page off) and full (MQTT entities in Mosquitto, page on),"
        " connection and rate limits raised."
    )


def main() -> None:
    """All measurements, then the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run, to try the bench")
    sizes = Sizes(1, 3.0, 2.0) if parser.parse_args().quick else Sizes()
    tables.RESULTS.mkdir(exist_ok=True)
    broker_port = free_port()
    bare, full = Form("bare"), Form("full", broker_port)
    with tempfile.TemporaryDirectory(prefix="ocpp-bench-") as name:
        folder = Path(name)
        make_certificate(folder)
        with running(start_broker(folder, broker_port)):
            bench = Bench(sizes, folder, (bare, full))
            bench.start()
            bench.memory(bare)
            bench.memory(bare, tls=True)
            bench.memory(full)
            bench.traffic()
    found = rows(bench.figures, bare, full)
    written = {
        "conditions": conditions(sizes),
        "rows": [row.as_dict() for row in found],
        "runs": bench.figures.__dict__,
    }
    tables.results_file("ocpp_proxy").write_text(json.dumps(written, indent=2) + "\n")
    for row in found:
        print(f"{row.figure:<66} {row.ours:>10}  target {row.target:<10} {row.met:<3}  {row.peer}")


if __name__ == "__main__":
    main()
