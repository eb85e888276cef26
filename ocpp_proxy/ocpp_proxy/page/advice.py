"""What a person can do about a refusal: one plain sentence for each cause."""

from __future__ import annotations

from typing import Final

ADVICE: Final = {
    "bad address": "Correct the server address in the wallbox: it holds characters that cannot "
    "stand in an address.",
    "no station id": "Enter an id (charge point identity) in the wallbox, or set "
    "default_station_id in this app.",
    "not listed": "Add this id to stations in this app, or switch allow_unknown_stations on.",
    "no password": "Enter the password from this app's stations in the wallbox, with the id as "
    "user name.",
    "wrong password": "Enter the same password in the wallbox and in this app's stations.",
    "too many": "Raise max_connections in this app if you really have so many wallboxes.",
    "same id": "Two wallboxes use the same id: give each one its own.",
    "loop": "This app was sent to itself: set target_host and target_port to evcc (or your "
    "central system).",
    "stopping": "Nothing to do: the app was stopping, and the wallbox comes back by itself.",
    "subprotocol": "Set the wallbox to OCPP 1.6-J (JSON); this app's option subprotocols lists "
    "what is accepted.",
    "no websocket": "Set the wallbox to OCPP 1.6-J over WebSocket; if it is, try "
    "repair_connection_header in this app.",
    "plain http": "Nothing to do if it was a browser; if it was the wallbox, use an address with "
    "ws:// and check a reverse proxy between the two.",
    "upstream unreachable": "Check that evcc (or your central system) is running, and that "
    "target_host and target_port are right.",
    "upstream timeout": "evcc (or your central system) did not answer: check target_host, and "
    "whether it is still starting.",
    "upstream handshake": "Something else answers at the target: check target_port, for evcc "
    "8887.",
    "upstream subprotocol": "The central system does not speak this OCPP version: check its "
    "settings and subprotocols in this app.",
    "upstream credentials": "The central system wants other credentials: see upstream_auth, "
    "upstream_username and upstream_password.",
    "upstream unknown": "Create this wallbox with exactly this id in evcc (or your central "
    "system), or try station_path last_segment.",
    "upstream redirects": "Set target_url to the address the central system redirects to.",
    "upstream refused": "Look into the log of the central system: it refused the connection.",
    "upstream closed": "Create this wallbox with exactly this id in evcc; if it is there, wait a "
    "minute: the old connection may still be open.",
    "allowed_ips": "Add this address to allowed_ips in this app if it is your wallbox.",
    "slots": "Too many connections were opened at the same moment; they come back by themselves.",
    "tls on plain": "Change the address in the wallbox from wss:// to ws://, or switch ssl on in "
    "this app.",
    "tls": "Check the wallbox's certificate settings; if it uses ws://, change it to wss://, and "
    "if it is old, try tls_legacy.",
    "bad request": "This was no wallbox's request: check the address in the wallbox, or ignore "
    "it.",
    "handshake timeout": "Check the network between wallbox and Home Assistant: the connection "
    "was opened, then nothing came.",
}  # fmt: skip
OTHERWISE: Final = "Look into the log of this app: it has the details."


def advice(cause: str) -> str:
    """The sentence for a cause of `refusals.Refusal`."""
    return ADVICE.get(cause, OTHERWISE)
