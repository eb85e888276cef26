"""What must survive and what shall be looked up later: settings, state, sessions, samples, audit.

One SQLite file. The event loop writes through `Journal`, threads read through `Reader`.
"""

from .journal import Journal, JournalError
from .reader import Reader
from .store import AuditEntry, Sample, SettingRow

__all__ = ["AuditEntry", "Journal", "JournalError", "Reader", "Sample", "SettingRow"]
