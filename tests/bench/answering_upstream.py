"""A central system for benches: answers every CALL at once with an empty CALLRESULT.

Deliberately small, so that what is measured is what stands between it and the wallbox.
"""

from __future__ import annotations

import argparse

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


async def answer(connection: ServerConnection) -> None:
    """Answers until the peer goes; the id stands between the first two quotation marks."""
    try:
        while True:
            data = await connection.recv(decode=False)
            identifier = data[4 : data.index(b'"', 4)]
            await connection.send(b'[3,"' + identifier + b'",{}]', text=True)
    except ConnectionClosed:
        return


async def main(port: int) -> None:
    """Serves until killed."""
    async with serve(
        answer, "127.0.0.1", port, subprotocols=["ocpp1.6"], compression=None,  # type: ignore[list-item]
        ping_interval=None, max_queue=64,
    ) as server:  # fmt: skip
        print("ready", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(main(parser.parse_args().port))
