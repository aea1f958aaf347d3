"""A PostgreSQL for one run: on disk, on loopback, with its default durability."""

from __future__ import annotations

import tempfile
from pathlib import Path

from callclock_server.testing.postgres import Postgres

# The starter is made for tests and leaves out what makes commits last; here that is what is measured. The
# sizes are what any page on setting up PostgreSQL changes first, and the same for all who are measured.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "autovacuum": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
}


def durable() -> Postgres:
    """Return a server to be started with `with`."""
    return Postgres(settings=SETTINGS, parent=Path(tempfile.gettempdir()))
