from __future__ import annotations

from collections.abc import Iterator

import pytest
from callclock_server.testing import RunningServer, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(reconcile_seconds=1.0) as running:
        yield running
