from __future__ import annotations

from collections.abc import Iterator

import pytest
from callclock_server.testing import RunningServer, running_server
from callclock_server.testing.databases import Databases


@pytest.fixture(scope="module")
def server(databases: Databases) -> Iterator[RunningServer]:
    with running_server(reconcile_seconds=1.0, database_url=databases.fresh()) as running:
        yield running
