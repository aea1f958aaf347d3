"""APScheduler 3: one scheduler process, jobs in PostgreSQL, a pool of threads.

python -m peers.with_apscheduler DATABASE_URL REDIS_URL ENDS DEADLINE
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import redis
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from psycopg_pool import ConnectionPool

from peers import job

THREADS = 8
SETTING = f"one process, job store in PostgreSQL, {THREADS} threads"

pool: ConnectionPool
watchers: redis.Redis


def end(session_id: str) -> None:
    with pool.connection() as connection:
        job.end(connection, watchers, session_id)


def main(url: str, redis_url: str, ends: int, deadline: datetime) -> None:
    global pool, watchers
    pool = ConnectionPool(url, min_size=THREADS, max_size=THREADS, open=True)
    watchers = redis.Redis.from_url(redis_url)
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url=url.replace("postgresql://", "postgresql+psycopg://"))},
        executors={"default": ThreadPoolExecutor(THREADS)},
        job_defaults={"misfire_grace_time": None, "coalesce": True},
        timezone=UTC,
    )
    scheduler.start(paused=True)
    for session_id in job.session_ids(ends):
        # Named, and not passed as a function: the module runs as __main__.
        scheduler.add_job("peers.with_apscheduler:run", "date", run_date=deadline, args=[session_id])
    scheduler.resume()
    print("ready", flush=True)
    sys.stdin.readline()
    scheduler.shutdown(wait=False)
    pool.close()


def run(session_id: str) -> None:
    """What the job store can find by name."""
    sys.modules["__main__"].end(session_id)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), datetime.fromtimestamp(float(sys.argv[4]), UTC))
