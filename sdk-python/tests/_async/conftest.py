"""Clients under test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from callclock import AsyncStreamClient, RetryPolicy


@pytest.fixture
async def client(api, credentials) -> AsyncIterator[AsyncStreamClient]:
    at_once = RetryPolicy(attempts=3, first_delay_seconds=0.0)
    async with AsyncStreamClient(*credentials, transport=api.transport, retries=at_once) as client:
        yield client


@pytest.fixture
async def streaming(stream, credentials) -> AsyncIterator[AsyncStreamClient]:
    at_once = RetryPolicy(attempts=2, first_delay_seconds=0.01, max_delay_seconds=0.02)
    async with AsyncStreamClient(*credentials, base_url=stream.base_url, retries=at_once) as client:
        yield client
