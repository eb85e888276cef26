"""What must survive: settings, state, history and audit; and what happens to a bad disk."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from solar_charger.clock import VirtualClock
from solar_charger.journal import (
    AuditEntry,
    Journal,
    JournalError,
    Reader,
    Sample,
    SettingRow,
    keeping,
    schema,
)

SUMMER = 1_782_000_000.0


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(SUMMER)


@pytest.fixture
async def journal(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Journal]:
    made = Journal(tmp_path, clock)
    made.open()
    yield made
    await made.close()


def entry(text: str, ts: float = SUMMER) -> AuditEntry:
    return AuditEntry(ts, 1.0, "controller", "set_amps", "6", "12", "sun", "{}", "OK", text, 5.2)


async def test_settings_and_state_survive_a_restart(
    journal: Journal, tmp_path: Path, clock: VirtualClock
) -> None:
    await journal.write_now(lambda s: s.save_setting("mode", SettingRow("MANUAL", "SOLAR")))
    journal.keep("controller", {"ours": True})
    journal.keep("gone", 1)
    journal.keep("gone", None)
    await journal.commit()
    again = Journal(tmp_path, clock)
    again.open()
    assert again.stored_settings == {"mode": SettingRow("MANUAL", "SOLAR")}
    assert again.stored_state == {"controller": {"ours": True}}
    await again.close()


async def test_what_was_committed_is_there_after_a_power_cut(
    journal: Journal, tmp_path: Path, clock: VirtualClock
) -> None:
    await journal.write_now(lambda s: s.save_setting("mode", SettingRow("OFF", "SOLAR")))
    cut = tmp_path / "cut"
    cut.mkdir()
    for tail in ("", "-wal"):
        name = f"solar_charger.db{tail}"
        (cut / name).write_bytes((tmp_path / name).read_bytes())
    again = Journal(cut, clock)
    again.open()
    assert again.stored_settings["mode"].value == "OFF"
    await again.close()


async def test_a_damaged_file_is_set_aside_and_says_so(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "solar_charger.db").write_bytes(b"this was never a database" * 400)
    journal = Journal(tmp_path, clock)
    journal.open()
    assert journal.damaged
    assert journal.writable
    assert (tmp_path / "solar_charger.damaged").exists()
    await journal.close()


async def test_a_file_damaged_in_the_middle_is_noticed_at_the_start(
    journal: Journal, tmp_path: Path, clock: VirtualClock
) -> None:
    for number in range(3000):
        journal.audit(entry(f"line {number}"))
    await journal.commit()
    await journal.close()
    file = tmp_path / "solar_charger.db"
    content = bytearray(file.read_bytes())
    content[8192:40960] = b"\xa5" * 32768
    file.write_bytes(content)
    again = Journal(tmp_path, clock)
    again.open()
    assert again.damaged
    await again.close()


async def test_a_file_of_a_later_version_is_left_alone(
    journal: Journal, tmp_path: Path, clock: VirtualClock
) -> None:
    await journal.close()
    with sqlite3.connect(tmp_path / "solar_charger.db") as connection:
        connection.execute("UPDATE schema_version SET version = 99")
    connection.close()
    again = Journal(tmp_path, clock)
    again.open()
    assert "99" in again.problem
    assert not again.writable
    assert not again.damaged


async def test_a_full_disk_refuses_a_setting_and_keeps_the_rest_waiting(
    journal: Journal, clock: VirtualClock, tmp_path: Path
) -> None:
    fill(journal)
    with pytest.raises(JournalError):
        await journal.write_now(lambda s: s.save_setting("mode", SettingRow("x" * 20000, "")))
    assert "full" in journal.problem
    journal.keep("controller", {"note": "y" * 20000})
    with pytest.raises(JournalError):
        await journal.commit()
    free(journal)
    await journal.commit()
    assert journal.problem == ""
    again = Journal(tmp_path, clock)
    again.open()
    assert "controller" in again.stored_state
    assert "mode" not in again.stored_settings
    await again.close()


def fill(journal: Journal) -> None:
    """No page more: SQLite then answers as on a full disk."""
    assert journal._store is not None
    pages = journal._store.connection.execute("PRAGMA page_count").fetchone()[0]
    journal._store.connection.execute(f"PRAGMA max_page_count = {pages}")


def free(journal: Journal) -> None:
    assert journal._store is not None
    journal._store.connection.execute("PRAGMA max_page_count = 1000000")


async def test_history_gives_means_of_each_step_and_the_last_words(
    journal: Journal, tmp_path: Path
) -> None:
    begin = int(SUMMER)
    for second in range(0, 600, 10):
        mode = "SOLAR" if second < 550 else "MANUAL"
        journal.sample(Sample(begin + second, pv_w=float(second), mode_ext=mode))
    await journal.commit()
    columns, rows = Reader(journal.path).history(begin, begin + 600, 300)
    assert columns == list(schema.SAMPLE_COLUMNS)
    assert [row[1] for row in rows] == [145.0, 445.0]
    assert [row[10] for row in rows] == ["SOLAR", "MANUAL"]
    assert rows[0][0] == "2026-06-21T00:00:00Z"


async def test_history_widens_the_step_rather_than_give_too_many_rows(journal: Journal) -> None:
    _, rows = Reader(journal.path).history(SUMMER - 86_400 * 400, SUMMER, 10)
    assert rows == []
    for second in range(0, 200_000, 10):
        journal.put(lambda s, at=int(SUMMER) + second: s.add_sample(Sample(at)))  # type: ignore[misc]
        if second % 10_000 == 0:
            await journal.commit()
    await journal.commit()
    _, rows = Reader(journal.path).history(SUMMER, SUMMER + 200_000, 10)
    assert 8000 < len(rows) <= 9000


async def test_samples_of_an_unset_clock_are_left_out(journal: Journal) -> None:
    journal.sample(Sample(3600, pv_w=1.0))
    await journal.commit()
    assert Reader(journal.path).history(0, 90_000, 10)[1] == []


async def test_old_samples_become_means_and_very_old_ones_go(journal: Journal) -> None:
    begin = int(SUMMER) - 3 * 86_400
    for second in range(0, 3600, 10):
        journal.sample(Sample(begin + second, own_w=1000.0))
    journal.put(lambda s: s.add_sample(Sample(begin - 400 * 86_400, own_w=1.0)))
    journal.audit(entry("long ago", SUMMER - 91 * 86_400))
    journal.audit(entry("lately"))
    await journal.commit()
    assert journal._store is not None
    keeping.tidy(journal._store.connection, SUMMER)
    connection = journal._store.connection
    assert connection.execute("SELECT count(*) FROM samples WHERE span_s = 10").fetchone()[0] == 0
    means = connection.execute("SELECT own_w FROM samples WHERE ts_utc >= ?", (begin,)).fetchall()
    assert means == [(1000.0,)] * 12
    assert [line["text"] for line in Reader(journal.path).audit(None, 10)] == ["lately"]


async def test_the_file_keeps_below_its_cap_and_the_oldest_samples_go_first(
    journal: Journal,
) -> None:
    for second in range(0, 300_000, 10):
        journal.put(lambda s, at=int(SUMMER) + second: s.add_sample(Sample(at)))  # type: ignore[misc]
        if second % 10_000 == 0:
            await journal.commit()
    journal.audit(entry("kept"))
    await journal.commit()
    assert journal._store is not None
    before = keeping.used(journal._store.connection)
    keeping.shrink(journal._store.connection, before // 2)
    assert keeping.used(journal._store.connection) <= before // 2
    _, rows = Reader(journal.path).history(SUMMER, SUMMER + 300_000, 10)
    assert rows[-1][0] == "2026-06-24T11:19:42Z"[:17] + rows[-1][0][17:]
    assert Reader(journal.path).audit(None, 1)[0]["text"] == "kept"


async def test_the_audit_log_is_masked_paged_and_exported(journal: Journal) -> None:
    vin = "5YJ3E1EA7KF000001"
    for number in range(7):
        journal.audit(entry(f"={number} {vin}"))
    await journal.commit()
    reader = Reader(journal.path)
    page = reader.audit(None, 3)
    assert len(page) == 3
    assert vin not in json.dumps(page)
    rest = reader.audit(page[-1]["id"], 500)
    assert len(rest) == 4
    rows = list(csv.reader(io.StringIO("".join(reader.audit_csv()))))
    assert rows[0][:3] == ["id", "ts_utc", "mono"]
    assert len(rows) == 8
    assert rows[1][10].startswith("'=0 5YJ")


async def test_an_unreadable_store_is_said_not_raised_as_something_else(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        Reader(tmp_path / "none.db").sessions(5)
