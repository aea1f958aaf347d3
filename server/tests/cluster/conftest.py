"""One stage for all scenarios of a file; whatever is broken in a test is mended at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from callclock_server.testing.postgres import PostgresMissing
from callclock_server.testing.redis import RedisMissing

from .stage import Stage
from .trial import prepare


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    try:
        made = Stage()
        with made:
            asyncio.run(prepare(made))
            yield made
    except (PostgresMissing, RedisMissing) as exc:
        pytest.skip(f"several nodes were not tested: {exc}")
