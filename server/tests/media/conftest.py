from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from callclock_server.storage import migrate
from callclock_server.storage.database import Database
from callclock_server.timekeeping import FakeClock

from .fakes import FakeRooms


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def rooms() -> FakeRooms:
    return FakeRooms()


@pytest.fixture
async def database(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'media.db'}"
    await migrate.migrate(url, clock=clock)
    opened = await Database.open(url, clock=clock)
    yield opened
    await opened.close()
