"""procrastinate: jobs with `schedule_at` in PostgreSQL, an asynchronous worker.

python -m peers.with_procrastinate DATABASE_URL REDIS_URL ENDS DEADLINE
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import redis.asyncio
from procrastinate import App, PsycopgConnector
from psycopg_pool import AsyncConnectionPool

from peers import job

CONCURRENCY = 16
POLL_SECONDS = 0.1
SETTING = f"one worker, concurrency {CONCURRENCY}, polls every {POLL_SECONDS} s, finished jobs stay (default)"


async def main(url: str, redis_url: str, ends: int, deadline: datetime) -> None:
    app = App(connector=PsycopgConnector(conninfo=url, min_size=CONCURRENCY, max_size=CONCURRENCY))
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        url, min_size=CONCURRENCY, max_size=CONCURRENCY, open=False, kwargs={"autocommit": True}
    )
    watchers = redis.asyncio.Redis.from_url(redis_url)

    @app.task(name="end")
    async def end(session_id: str) -> None:
        async with pool.connection() as connection:
            await job.end_async(connection, watchers, session_id)

    async with app.open_async(), pool:
        await app.schema_manager.apply_schema_async()
        scheduled = end.configure(schedule_at=deadline)
        await scheduled.batch_defer_async(*({"session_id": one} for one in job.session_ids(ends)))
        print("ready", flush=True)
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=CONCURRENCY,
                fetch_job_polling_interval=POLL_SECONDS,
                install_signal_handlers=False,
            )
        )
        await asyncio.to_thread(sys.stdin.readline)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), datetime.fromtimestamp(float(sys.argv[4]), UTC))
    )
