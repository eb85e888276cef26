"""Blocking calls in the background: their results come back, and none keeps the program."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest
from solar_charger.threads import DaemonThreads

WITHIN_S = 15.0
HANGS = """
import asyncio, threading
from solar_charger.threads import DaemonThreads

async def main():
    asyncio.get_running_loop().set_default_executor(DaemonThreads())
    begun = threading.Event()
    def hang():
        begun.set()
        threading.Event().wait()
    task = asyncio.create_task(asyncio.to_thread(hang))
    await asyncio.to_thread(begun.wait)
    task.cancel()

asyncio.run(main())
print("ended")
"""


def test_a_call_that_hangs_does_not_keep_the_program_from_ending() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=WITHIN_S, check=True
    )
    assert ended.stdout == "ended\n"


async def test_results_and_errors_come_back_as_from_a_pool() -> None:
    asyncio.get_running_loop().set_default_executor(DaemonThreads())
    assert await asyncio.to_thread(int, "7") == 7
    with pytest.raises(ValueError, match="seven"):
        await asyncio.to_thread(int, "seven")


async def test_many_calls_run_beside_each_other() -> None:
    asyncio.get_running_loop().set_default_executor(DaemonThreads())
    together = threading.Barrier(40)
    async with asyncio.timeout(WITHIN_S):
        await asyncio.gather(*(asyncio.to_thread(together.wait) for _ in range(40)))
