"""The pytest plugin: fixtures for a server with a test clock. pytest finds it by its entry point."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from callclock._async.client import AsyncStreamClient
from callclock._sync.client import StreamClient
from callclock.testing._embedded import EmbeddedServer, ServerNotInstalled, ServerNotStarted

async_fixture: Callable[..., Any] = pytest.fixture  # anyio's plugin takes it as it is
with suppress(ImportError):
    from pytest_asyncio import fixture as async_fixture


@pytest.fixture(scope="session")
def callclock_server() -> Iterator[EmbeddedServer]:
    """A server with a test clock, one for the whole run. `fresh_id()` keeps tests out of each other's way."""
    server = EmbeddedServer()
    try:
        server.start()
    except (ServerNotInstalled, ServerNotStarted) as exc:
        pytest.fail(str(exc), pytrace=False)
    yield server
    server.stop()


@pytest.fixture
def callclock_client(callclock_server: EmbeddedServer) -> Iterator[StreamClient]:
    """A client of that server; `callclock_client.test_clock.advance(60)` moves its clock on."""
    with callclock_server.client() as client:
        yield client


@async_fixture
async def async_callclock_client(callclock_server: EmbeddedServer) -> AsyncIterator[AsyncStreamClient]:
    """The same for `async` tests, which need pytest-asyncio or anyio."""
    async with callclock_server.async_client() as client:
        yield client
