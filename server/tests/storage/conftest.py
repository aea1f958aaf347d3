"""A migrated database and a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from callclock_server.storage.database import Database
from callclock_server.storage.migrate import migrate
from callclock_server.timekeeping import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def database(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'callclock.sqlite'}"
    await migrate(url, clock=clock)
    opened = await Database.open(url, clock=clock)
    yield opened
    await opened.close()
