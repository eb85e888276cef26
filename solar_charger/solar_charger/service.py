"""One run of the program: what belongs together is put together, started and stopped here."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from random import Random
from typing import TYPE_CHECKING

from . import __version__, equipment, logs, masking, timezone
from .backend import LoopBackend
from .carry_out import Commands
from .charger import LOOP_S, Charger
from .clock import Clock, SystemClock, VirtualClock, happens
from .commandline import Invocation
from .dashboard import Listeners
from .dashboard_sync import DashboardSync
from .errors import OptionError
from .health import Health, Watchdog
from .homeassistant import BrokerOptions, find
from .homeassistant.broker import Broker
from .house import House
from .instance import InstanceLock
from .journal import Journal
from .journal.journal import FLUSH_S
from .logtail import LogTail
from .options import Options
from .pairing import Pairing
from .publishing import MqttSide
from .sources.home_assistant.rest import Core
from .sources.readings import Source
from .supervisor import Supervisor, SupervisorError
from .threads import DaemonThreads
from .worker import CarWorker

if TYPE_CHECKING:
    from .dashboard.server import Server

log = logs.get()

DEMO_HOUR = 5
FIRST_LOOK_S = 3.0
LISTEN_AGAIN_S = 10.0


class TakeOver(Exception):
    """The instance that was in charge has ended."""


def run(invocation: Invocation) -> int:
    """Run until SIGTERM or SIGINT; raises OptionError when an option cannot be met."""
    options = invocation.options
    redact = masking.redactor(secrets_of(options))
    logs.configure(options.log_level, redact=redact)
    tail = LogTail(redact)
    tail.install()
    for level, text in invocation.remarks:
        log.line(level, text)
    while True:
        try:
            asyncio.run(Service(invocation, os.environ, tail).serve())
        except TakeOver:
            log.notice("the other instance has ended: this one takes over")
            continue
        log.info("stopped")
        return 0


def secrets_of(options: Options) -> list[str | None]:
    """Everything that must not stand in a log."""
    return [
        options.relay_api_key, options.envoy_token, options.envoy_password, options.api_key,
        options.mqtt_password,
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Times:
    """The run's clock and the second of the simulated day."""

    clock: Clock
    zone: tzinfo
    midnight: float
    """Epoch second of the local midnight before the start."""

    def second(self) -> int:
        """Seconds since that midnight."""
        return max(0, int(self.clock.wall() - self.midnight))


def times_of(speed: float | None, zone: tzinfo, now: datetime) -> Times:
    """Real time, or made time from 05:00 of the day on."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if speed is None:
        return Times(SystemClock(), zone, midnight.timestamp())
    begin = midnight + timedelta(hours=DEMO_HOUR)
    return Times(VirtualClock(begin.timestamp(), speed=speed), zone, midnight.timestamp())


class Service:
    """Built by the constructor, up and down again by `serve`."""

    def __init__(
        self,
        invocation: Invocation,
        environ: Mapping[str, str],
        tail: LogTail | None = None,
        times: Times | None = None,
    ) -> None:
        """`times` None: by the command line. Raises OptionError."""
        self.invocation, self.options = invocation, invocation.options
        self._environ = environ
        self._tail = tail or LogTail(lambda text: text)
        zone = timezone.zone(environ)
        self.times = times or times_of(invocation.speed, zone, datetime.now(zone))
        self.clock = self.times.clock
        self.supervisor = _supervisor(environ)
        self.lock = InstanceLock(invocation.data)
        self.passive = not self._in_charge()
        # Hurried, each real second is enough: the clock runs through hours meanwhile.
        self.journal = Journal(invocation.data, self.clock, max(FLUSH_S, invocation.speed or 0.0))
        self.journal.open()
        options = self.options
        self.house = House(
            self.clock,
            equipment.sensor_rows(options),
            car_by_entities=options.vehicle_link == "ha_entities",
        )
        self.equipment = equipment.build(
            equipment.Surroundings(
                options, invocation.data, self.clock, self.house, self._core(),
                self._find_broker, self.times.second,
            )
        )  # fmt: skip
        self.pairing = pairing = Pairing(options, invocation.data, self.clock)
        link = self.equipment.link
        self.charger = Charger(
            options, self.times.zone, self.clock, self.journal, self.house,
            has_driver=link is not None and not self.passive,
            wakes_by_itself=link is not None and link.wakes_by_itself,
            car_mark=pairing.mark if link is not None else "",
        )  # fmt: skip
        self.charger.setup.update(self._setup(pairing))
        self.sync: DashboardSync | None = None
        if self.equipment.dashboard is not None and not self.passive:
            self.sync = DashboardSync(self.equipment.dashboard, self.charger)
        self.commands = Commands(
            self.charger, pairing, self.equipment.sources, passive=self.passive,
            mode_chosen=self.sync.mode_chosen if self.sync is not None else lambda mode: None,
        )  # fmt: skip
        self.health = Health()
        self.health.store_problem = lambda: self.journal.problem
        self.backend = LoopBackend(
            self.charger, self.commands, self.health, invocation.options, self._tail
        )
        self.worker: CarWorker | None = None
        if link is not None and not self.passive:
            beat = self.health.beater("car")
            self.worker = CarWorker(self.charger, link, self.clock, Random(), beat)
        self.mqtt = None if self.passive else self._mqtt()
        self._stop = asyncio.Event()
        self._takes_over = False

    def _in_charge(self) -> bool:
        try:
            return self.lock.acquire()
        except OSError as error:
            problem = f"{error.filename} cannot be used ({error.strerror})"
            remedy = "remove it, or give it to the user this runs as"
            raise OptionError("--data", problem, remedy) from error

    def _core(self) -> Core | None:
        if self.supervisor is None:
            return None
        return Core(self.supervisor.token, f"{self.supervisor.base_url}/core")

    async def _find_broker(self) -> Broker:
        options = self.options
        wanted = BrokerOptions(
            host=options.mqtt_host or "",
            port=options.mqtt_port,
            username=options.mqtt_username or "",
            password=options.mqtt_password or "",
            tls=options.mqtt_tls,
            ca=options.mqtt_ca or "",
        )
        return await find(wanted, self.supervisor, self.invocation.tls_folder)

    def _setup(self, pairing: Pairing) -> dict[str, object]:
        link = self.equipment.link
        return {
            "vin": self.options.vin is not None,
            "key": bool(pairing.public_pem),
            "public_key_pem": pairing.public_pem,
            "link": self.options.vehicle_link if link is not None else None,
            "link_problem": self.equipment.link_problem or None,
            "passive": self.passive,
            "version": __version__,
        }

    def _mqtt(self) -> MqttSide | None:
        if self.supervisor is None and self.options.mqtt_host is None:
            log.info("no Supervisor and no mqtt_host: nothing is shown in Home Assistant")
            return None
        identity = str(self.journal.stored_state.get("identity") or secrets.token_hex(4))
        self.journal.keep("identity", identity)
        return MqttSide(
            identity, self.invocation.data, self._find_broker, self.charger.board,
            self.commands.carry_out, self.clock, discovery_prefix=self.options.discovery_prefix,
            left_out=() if self.pairing.offered else ("pair",),
        )  # fmt: skip

    # Running.

    async def serve(self) -> None:
        """Up, until SIGTERM, down. Raises OptionError, TakeOver."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(DaemonThreads())
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        self.backend.attach(loop)
        self._summary()
        watchdog = Watchdog(self.health)
        server = self._listen()
        watchdog.start()
        self.journal.keep("running", True)
        try:
            await self._work()
        finally:
            watchdog.stop()
            await self._end(server)
        if self._takes_over:
            raise TakeOver

    def stop(self) -> None:
        """As SIGTERM does."""
        self._stop.set()

    def _listen(self) -> Server | None:
        invocation = self.invocation
        if invocation.page_port == 0 and invocation.api_port == 0:
            return None
        from .dashboard.server import Server

        listeners = Listeners(
            page_host=invocation.page_host,
            page_port=invocation.page_port,
            page_allow=invocation.page_allow,
            api_host=invocation.api_host,
            api_port=invocation.api_port,
            api_key=self.options.api_key or "",
            supervised=self.supervisor is not None,
        )
        server = Server(self.backend, listeners)
        self.health.listening = lambda: server.accepting
        server.start()
        return server

    async def _work(self) -> None:
        """Everything that runs for ever, until the stop; a loop that fails ends them all."""
        companions: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as tasks:
            for source in self.equipment.sources.values():
                companions.append(tasks.create_task(self._read(source)))
            companions.append(tasks.create_task(self._control()))
            if isinstance(self.clock, VirtualClock) and self.invocation.speed is not None:
                companions.append(tasks.create_task(self.clock.run()))
            if self.passive:
                companions.append(tasks.create_task(self._wait_for_lock()))
            else:
                companions.append(tasks.create_task(self.journal.run()))
            if self.worker is not None:
                companions.append(tasks.create_task(self.worker.run()))
            if self.sync is not None:
                beat = self.health.beater("dashboard")
                companions.append(tasks.create_task(self.sync.run(beat)))
            if self.mqtt is not None:
                companions.append(tasks.create_task(self._publish(self.mqtt)))
            await self._stop.wait()
            log.info("stopping")
            for task in companions:
                task.cancel()

    async def _read(self, source: Source) -> None:
        """A reader; it beats while it runs, however long the far side keeps silent."""
        beat = self.health.beater(source.name)
        reading = asyncio.create_task(source.run(self.house))
        try:
            while not reading.done():
                beat()
                await asyncio.wait({reading}, timeout=LOOP_S)
            reading.result()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _control(self) -> None:
        """A decision each ten seconds, and at once where somebody is in a hurry."""
        beat = self.health.beater("controller")
        charger = self.charger
        # What the readers bring in their first round is waited for.
        await self.clock.sleep(FIRST_LOOK_S)
        while True:
            beat()
            charger.hurry.clear()
            charger.next_decision_at = self.clock.now() + LOOP_S
            charger.decide()
            await happens(self.clock, charger.hurry.wait(), LOOP_S)

    async def _wait_for_lock(self) -> None:
        while True:
            await asyncio.sleep(LISTEN_AGAIN_S)
            if self.lock.acquire():
                self._takes_over = True
                self._stop.set()
                return

    async def _publish(self, mqtt: MqttSide) -> None:
        """Whatever happens there, the car is looked after."""
        try:
            await mqtt.run(self.health.beater("mqtt"))
        except Exception:
            log.exception("the way to Home Assistant failed, please report it")

    async def _end(self, server: Server | None) -> None:
        """Last words to the car, last writes, doors shut."""
        if self.worker is not None:
            await self._last_words(self.worker)
        if server is not None:
            await asyncio.to_thread(server.stop)
        if not self.passive:
            self.journal.keep("running", False)
            await self.journal.close()
        self.lock.release()

    async def _last_words(self, worker: CarWorker) -> None:
        """A made clock has to go on as long as somebody waits for it."""
        pace = None
        if isinstance(self.clock, VirtualClock) and self.invocation.speed is not None:
            pace = asyncio.create_task(self.clock.run())
        try:
            await worker.last_words(self.options.on_exit)
        finally:
            if pace is not None:
                pace.cancel()

    def _summary(self) -> None:
        options, made = self.options, self.equipment
        for level, text in made.remarks:
            log.line(level, text)
        log.info(
            "solar_charger %s: meter %s, car by %s, mode %s%s", __version__,
            ", ".join(made.sources) or "none", options.vehicle_link if made.link else "nothing",
            self.charger.mode.value, ", dry run" if self.charger.dry_run else "",
        )  # fmt: skip
        for name in self.charger.stored.outdated:
            log.notice("option %s has changed: it wins over what was chosen before", name)
        if self.passive:
            log.warning("another instance with this data folder is in charge; this one only shows")


def _supervisor(environ: Mapping[str, str]) -> Supervisor | None:
    try:
        return Supervisor.from_environment(environ)
    except SupervisorError as error:
        log.warning("%s", error)
        return None
