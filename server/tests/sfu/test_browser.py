"""The embedded room server under real browsers (`conformance_browser`)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from .browsing import serving_the_page
from .running import Running, running_engine

pytest.register_assert_rewrite(f"{__package__}.conformance_browser")

from .conformance_browser import *  # noqa: E402, F403 - the tests themselves
from .conformance_browser import browser, pytestmark  # noqa: E402, F401


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Running]:
    async with running_engine("embedded", app=serving_the_page) as started:
        yield started
