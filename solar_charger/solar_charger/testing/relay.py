"""Simulated ways to the car over HTTP: the original relay, and TeslaBleHttpProxy."""

from __future__ import annotations

import re
import time
from typing import Any

from aiohttp import web

from .server import FakeServer
from .tesla_control import FakeTeslaControl


class FakeRelay(FakeServer):
    """The relay of the original project: a failed command is status 200 with `success` false."""

    def __init__(self, control: FakeTeslaControl, *, port: int = 0, api_key: str = "") -> None:
        super().__init__(port)
        self.control = control
        self.api_key = api_key
        self.timed_out = False
        """Say that tesla-control took longer than 45 s; the car did what was asked."""

    def routes(self) -> list[web.RouteDef]:
        """The paths of its contract."""
        return [
            web.post("/ble/command", self._command),
            web.post("/ble/wake", self._wake),
            web.get("/health", self._health),
        ]

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "bluetooth": True, "tesla_control": True})

    async def _command(self, request: web.Request) -> web.Response:
        if self.api_key and request.headers.get("X-API-Key") != self.api_key:
            return web.json_response({"error": "Unauthorized"}, status=401)
        try:
            body = await request.json()
        except ValueError:
            return web.json_response({"error": "JSON body required"}, status=400)
        if not body.get("command"):
            return web.json_response({"error": "command field required"}, status=400)
        return self._run([body["command"], *body.get("args", [])], body.get("domain"))

    async def _wake(self, _request: web.Request) -> web.Response:
        return self._run(["wake"], "vcsec")

    def _run(self, words: list[str], domain: str | None) -> web.Response:
        begun = time.monotonic()
        flags = ["-ble", "-vin", self.control.car.vin, "-key-file", "private.pem"]
        outcome = self.control.run([*flags, "-domain", domain or "infotainment", *words])
        success, output = outcome.code == 0, (outcome.stdout or outcome.stderr).strip()
        if self.timed_out:
            success, output = False, "Command timed out after 45s"
        answer = {
            "success": success,
            "output": output,
            "duration": round(time.monotonic() - begun, 2),
            "error": None if success else output,
        }
        return web.json_response(answer)


_WORDS = {
    "charge_start": "charging-start",
    "charge_stop": "charging-stop",
    "set_charging_amps": "charging-set-amps",
    "set_charge_limit": "charging-set-limit",
    "wake_up": "wake",
}


class FakeProxy(FakeServer):
    """TeslaBleHttpProxy: wakes the car by itself, refuses with status 503."""

    def __init__(self, control: FakeTeslaControl, *, port: int = 0) -> None:
        super().__init__(port)
        self.control = control

    def routes(self) -> list[web.RouteDef]:
        """The paths of its API for one vehicle."""
        base = "/api/1/vehicles/{vin}"
        return [
            web.post(base + "/command/{word}", self._command),
            web.get(base + "/vehicle_data", self._vehicle_data),
            web.get(base + "/body_controller_state", self._body),
            web.get("/api/proxy/1/version", self._version),
        ]

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"response": {"result": True, "response": {"version": "2.2.0"}}})

    async def _command(self, request: web.Request) -> web.Response:
        word = request.match_info["word"]
        if word not in _WORDS:
            return _answer(request, word, False, "The command is not supported.", status=400)
        if request.query.get("wait") != "true":
            told = "The command was successfully received and will be processed shortly."
            return _answer(request, word, True, told)
        body: dict[str, Any] = await request.json() if request.can_read_body else {}
        argument = body.get("charging_amps", body.get("percent"))
        self.control.run(["-ble", "-vin", self.control.car.vin, "wake"])
        words = [_WORDS[word], *([str(argument)] if argument is not None else [])]
        outcome = self.control.run(["-ble", "-vin", self.control.car.vin, *words])
        if outcome.code == 0:
            return _answer(request, word, True, "The command was successfully processed.")
        reason = outcome.stderr.strip().removeprefix("Failed to execute command: ")
        return _answer(request, word, False, reason, status=503)

    async def _vehicle_data(self, request: web.Request) -> web.Response:
        outcome = self.control.run(["-ble", "-vin", self.control.car.vin, "state", "charge"])
        if outcome.code != 0:
            return _answer(request, "vehicle_data", False, outcome.stderr.strip(), status=503)
        state = self.control.car.charge_state()
        rest = {_snake(key): value for key, value in state.items()}
        rest["charging_state"] = self.control.car.charging_state
        rest["charge_amps"] = rest.pop("charging_amps")
        rest["scheduled_charging_mode"] = "Off"
        answer = {"charge_state": rest}
        return _answer(request, "vehicle_data", True, "The request was successful.", answer)

    async def _body(self, request: web.Request) -> web.Response:
        outcome = self.control.run(["-ble", "-vin", self.control.car.vin, "body-controller-state"])
        if outcome.code != 0:
            return _answer(request, "body_controller_state", False, "out of range", status=503)
        state = self.control.car.body_state()
        answer = {_snake(key): value for key, value in state.items()}
        answer["closure_statuses"] = {
            _snake(key): value for key, value in state["closureStatuses"].items()
        }
        return _answer(request, "body_controller_state", True, "ok", answer)


def _answer(
    request: web.Request,
    command: str,
    result: bool,
    reason: str,
    response: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> web.Response:
    body = {
        "result": result,
        "reason": reason,
        "vin": request.match_info["vin"],
        "command": command,
        "response": response,
    }
    return web.json_response({"response": body}, status=status)


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), name)
