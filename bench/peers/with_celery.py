"""Celery: tasks with an ETA in Redis, a worker with a process for each core.

python -m peers.with_celery DATABASE_URL REDIS_URL ENDS DEADLINE
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import redis
from celery import Celery

from peers import job

PROCESSES = os.cpu_count() or 2
SETTING = f"prefork, {PROCESSES} processes, tasks with ETA in Redis, prefetch without limit, no results"

app = Celery("peers.with_celery", broker=os.environ.get("PEER_REDIS_URL"))
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=0,
    worker_disable_rate_limits=True,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},
)
_open: dict[str, Any] = {}


@app.task(name="end")
def end(session_id: str) -> None:
    """End one session, over this worker process's own connections."""
    if not _open:
        _open["database"] = psycopg.connect(os.environ["PEER_DATABASE_URL"], autocommit=True)
        _open["watchers"] = redis.Redis.from_url(os.environ["PEER_REDIS_URL"])
    job.end(_open["database"], _open["watchers"], session_id)


def main(url: str, redis_url: str, ends: int, deadline: datetime) -> None:
    environment = {**os.environ, "PEER_DATABASE_URL": url, "PEER_REDIS_URL": redis_url}
    program = [str(Path(sys.executable).with_name("celery")), "-A", "peers.with_celery", "worker"]
    options = ["--pool", "prefork", "--concurrency", str(PROCESSES), "-O", "fair", "--loglevel", "error"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker = subprocess.Popen([*program, *options, *quiet], env=environment, stdout=subprocess.DEVNULL)
    try:
        app.conf.broker_url = redis_url
        with app.producer_pool.acquire(block=True) as producer:
            for session_id in job.session_ids(ends):
                end.apply_async(args=[session_id], eta=deadline, producer=producer)
        print("ready", flush=True)
        sys.stdin.readline()
    finally:
        worker.terminate()
        worker.wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), datetime.fromtimestamp(float(sys.argv[4]), UTC))
