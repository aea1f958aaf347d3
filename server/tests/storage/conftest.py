"""A migrated database and a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from callclock_server.storage.database import Database
from callclock_server.timekeeping import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def database(database_url: str, clock: FakeClock) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, clock=clock)
    yield opened
    await opened.close()
