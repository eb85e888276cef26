"""The stream of states: at once, on change, now and then, for four browsers at most."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests
from solar_charger.dashboard.stream import LIFE_S, MOST, Streams

from tests.solar_charger.dashboard_backend import SOON, MadeBackend, Served, ask, serving


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as running:
        yield running


def listen(served: Served) -> requests.Response:
    """An open stream."""
    session = requests.Session()
    session.trust_env = False
    return session.get(served.page + "/api/v1/stream", stream=True, timeout=SOON)


def events(answer: requests.Response) -> Iterator[dict[str, Any]]:
    """Its states, one after the other."""
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("data:"):
            yield json.loads(line[5:])


def test_a_stream_begins_with_the_state_as_it_is(served: Served) -> None:
    with closing(listen(served)) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        first = next(events(answer))
    assert first == ask(served.page + "/api/v1/state").json()


def test_a_change_arrives_without_being_asked_for(served: Served) -> None:
    with closing(listen(served)) as answer:
        found = events(answer)
        next(found)
        served.backend.swap(controller_state="night")
        assert next(found)["controller_state"] == "night"


def test_many_changes_end_in_the_last_one(served: Served) -> None:
    with closing(listen(served)) as answer:
        found = events(answer)
        next(found)
        for number in range(200):
            served.backend.swap(target_amps=number)
        seen = []
        for state in found:
            seen.append(state["target_amps"])
            if seen[-1] == 199:
                break
        assert len(seen) <= 5


def test_the_fifth_stream_is_refused_and_a_place_comes_free(served: Served) -> None:
    open_ones = [listen(served) for _ in range(MOST)]
    for answer in open_ones:
        assert next(events(answer))
    refusal = ask(served.page + "/api/v1/stream")
    assert refusal.status_code == 503
    assert refusal.json()["status"] == "error"
    # The others are answered meanwhile, and both listeners count together.
    assert ask(served.page + "/api/v1/state").status_code == 200
    assert ask(served.api + "/api/v1/stream").status_code == 503
    open_ones.pop().close()
    deadline = time.monotonic() + SOON
    while True:
        # A closed stream is noticed with the next event.
        served.backend.swap()
        answer = listen(served)
        if answer.status_code == 200:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for each in [*open_ones, answer]:
        each.close()


def test_streams_end_with_the_program() -> None:
    with serving() as served:
        answer = listen(served)
        found = events(answer)
        next(found)
        ending = threading.Thread(target=served.server.stop)
        ending.start()
        assert not any(state["number"] > 1 for state in found)
        ending.join(SOON)
        assert not ending.is_alive()
        assert ask_refused(served)


def ask_refused(served: Served) -> bool:
    try:
        ask(served.page + "/api/v1/state")
    except requests.ConnectionError:
        return True
    return False


class Ticking:
    """A clock that goes on by some seconds with each look."""

    def __init__(self, step: float) -> None:
        self.at, self.step = 0.0, step

    def __call__(self) -> float:
        self.at += self.step
        return self.at


class Still(MadeBackend):
    """Nothing ever changes, and nobody waits for it."""

    def newer_than(self, number: int, seconds: float) -> None:
        return None


def test_a_quiet_stream_speaks_each_five_seconds_and_comments_each_fifteen() -> None:
    clock = Ticking(0.25)
    stream = Streams(Still(), clock).open()
    assert stream is not None
    events_at: list[float] = []
    comments_at: list[float] = []
    while clock.at < 61:
        text = next(stream)
        (comments_at if text.startswith(":") else events_at).append(clock.at)
    gaps = [after - before for before, after in itertools.pairwise(events_at)]
    assert max(gaps) <= 6.5
    assert min(gaps) >= 4.5
    assert len(comments_at) == 4
    stream.close()


def test_a_stream_ends_in_the_end_so_that_a_dead_peer_frees_its_place() -> None:
    clock = Ticking(2.0)
    streams = Streams(Still(), clock)
    stream = streams.open()
    assert stream is not None
    assert len(list(stream)) > 100
    assert clock.at <= LIFE_S + 10
    stream.close()
    stream.close()
    # Closed twice, counted once.
    assert len([each for _ in range(MOST + 2) if (each := streams.open())]) == MOST


def test_an_event_names_its_number_and_holds_one_line_of_json() -> None:
    stream = Streams(Still()).open()
    assert stream is not None
    lines = next(stream).split("\n")
    assert lines[0] == "retry: 3000"
    assert lines[1:3] == ["event: state", "id: 1"]
    assert json.loads(lines[3].removeprefix("data: "))["number"] == 1
    assert lines[4:] == ["", ""]
    stream.close()
