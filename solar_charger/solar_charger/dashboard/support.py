"""The support bundle: what somebody who helps wants to see, without VIN, tokens and keys."""

from __future__ import annotations

import platform
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

from .. import __version__, masking
from ..journal import JournalError
from .answers import text_of

if TYPE_CHECKING:
    from . import Backend

IN_MEMORY = 1 << 20
PART = 1 << 16
DAY_S, STEP_S = 86_400.0, 60


def stamp(wall: float) -> str:
    """A time for a file's name, UTC."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y%m%d-%H%M%S")


def bundle(backend: Backend) -> Iterator[bytes]:
    """The ZIP file in parts."""
    # Not a `with`: it is read after this function has returned, and ends with the iterator.
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, parts in _contents(backend):
            _write(archive, name, parts)
    file.seek(0)
    return _read(file)


def _contents(backend: Backend) -> Iterator[tuple[str, Iterator[str]]]:
    yield "about.json", iter([text_of(_about())])
    for name, read in (
        ("state.json", backend.state),
        ("settings.json", backend.settings),
        ("options.json", backend.options_masked),
        ("health.json", lambda: backend.health()[1]),
        ("meter.json", backend.envoy_data),
        ("wall_connector.json", backend.twc_status),
    ):
        yield name, iter([text_of(masking.record(read()))])
    yield "sessions.json", _stored(lambda: [text_of(backend.journal.sessions(500))])
    yield "history.json", _stored(lambda: [_history(backend)])
    yield "audit.csv", _stored(backend.journal.audit_csv)
    yield "log.txt", (masking.text(line) + "\n" for line in backend.log_lines())


def _about() -> dict[str, str]:
    return {
        "version": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.platform(),
    }


def _history(backend: Backend) -> str:
    wall = backend.view.wall
    columns, rows = backend.journal.history(wall - DAY_S, wall + STEP_S, STEP_S)
    return text_of({"columns": columns, "rows": rows})


def _stored(read: object) -> Iterator[str]:
    """What the store gives; its error in place of it, since a broken store is a reason to ask."""
    assert callable(read)
    try:
        yield from (masking.text(part) for part in read())
    except JournalError as error:
        yield f"not readable: {error}\n"


def _write(archive: zipfile.ZipFile, name: str, parts: Iterator[str]) -> None:
    with archive.open(f"solar_charger/{name}", "w") as member:
        for part in parts:
            member.write(part.encode("utf-8", "backslashreplace"))


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(PART):
            yield part
