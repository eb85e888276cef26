"""Threads for blocking work that do not keep the program from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(ThreadPoolExecutor):
    """The event loop's executor, a thread for each call.

    A pool's threads are waited for at the end of loop and interpreter, however long a relay, a
    proxy or a gateway's stream keeps one; these end with the program. (asyncio takes nothing but
    a ThreadPoolExecutor as its default.)
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin at once."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - as the pool does: the caller gets it
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, name="aside", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """There is nothing to wait for."""
