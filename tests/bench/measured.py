"""What the operating system says of a running process, and medians of runs."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from pathlib import Path


def rss_kilobytes(pid: int) -> int:
    """Resident set of one process, in kB (/proc/PID/status, VmRSS)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ValueError(f"process {pid} has no VmRSS line: it has ended")


def cpu_seconds(pid: int) -> float:
    """User and system time of one process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def open_files(pid: int) -> int:
    """File descriptors the process holds."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def percentile(sorted_values: Sequence[float], part: float) -> float:
    """The value below which `part` (0…1) of the values lie."""
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * part))]


def median(values: Sequence[float]) -> float:
    """The median of several runs."""
    return statistics.median(values)
