from __future__ import annotations

from collections.abc import Iterator

import pytest
from callclock_server.testing import RunningServer, running_server
from callclock_server.testing.databases import Databases

from .world import World


@pytest.fixture(scope="session")
def server(databases: Databases) -> Iterator[RunningServer]:
    with running_server(database_url=databases.fresh()) as running:
        yield running


@pytest.fixture
def world(server: RunningServer) -> Iterator[World]:
    made = World(server)
    yield made
    made.close()
