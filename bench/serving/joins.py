"""Joins a second through HTTP, beside the same statements under pgbench in the same run."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import jwt
from callclock_server.calls import create
from callclock_server.domain.permissions import SERVER
from callclock_server.storage.database import Database
from callclock_server.testing.postgres import Postgres, find_programs
from hour.nodes import SECRET, Node, cpu_seconds

from serving.recording import as_script, record_join

CONNECTIONS = 16
WARM = 100
RECORDED = "rec-424242"


async def measure(
    server: Postgres, database: Database, raw: asyncpg.Connection[Any], node: Node, *, joins: int
) -> dict[str, Any]:
    """Join `joins` calls through HTTP, then as many by pgbench; each join starts a session."""
    await _prepare(database, raw, joins)
    recorded = await record_join(database, call_id=RECORDED, user_id="ann")
    script = as_script(recorded, call_id=RECORDED, prefix="pgb-")
    await _http(node, "warm-", WARM)
    used, of_server = cpu_seconds([server.pid]), cpu_seconds([node.pid])
    http = await _http(node, "web-", joins)
    used, of_server = cpu_seconds([server.pid]) - used, cpu_seconds([node.pid]) - of_server
    bare = await asyncio.to_thread(_pgbench, server, script, joins)
    started = await raw.fetchval("SELECT count(*) FROM sessions WHERE starts_with(cid, 'bench:web-')")
    replayed = await raw.fetchval("SELECT count(*) FROM sessions WHERE starts_with(cid, 'bench:pgb-')")
    took = http["took_ms"]
    return {
        "joins": joins,
        "statements": len(recorded),
        "per_second": joins / http["seconds"],
        "p50_ms": took[len(took) // 2],
        "p99_ms": took[int(len(took) * 0.99)],
        "pgbench_per_second": bare,
        "server_cpu_ms": 1000 * of_server / joins,
        "postgresql_cpu_ms": 1000 * used / joins,
        "faults": http["refused"] + (joins - started) + (joins - replayed),
    }


async def _prepare(database: Database, raw: asyncpg.Connection[Any], joins: int) -> None:
    """Create the calls: one by the server's own code, the rest as copies."""
    async with database.write() as tx:
        await create.get_or_create_call(tx, SERVER, type="bench", id=RECORDED, data={"created_by_id": "ann"})
    for prefix, count in (("web-", joins), ("pgb-", joins), ("warm-", WARM)):
        names = [row["column_name"] for row in await raw.fetch(_COLUMNS)]
        values = {"cid": f"'bench:{prefix}' || n", "id": f"'{prefix}' || n"}
        chosen = ", ".join(values.get(name, f"one.{name}") for name in names)
        await raw.execute(
            f"INSERT INTO calls ({', '.join(names)}) SELECT {chosen} FROM calls one, "
            f"generate_series(1, {count}) n "
            f"WHERE one.cid = 'bench:{RECORDED}'"
        )
        # Each has had its event of creation.
        await raw.execute(
            "INSERT INTO events (position, cid, id, type, created_at, payload) "
            "SELECT (SELECT max(position) FROM events) + row_number() OVER (), 'bench:' || $1 || n, 1, type, "
            f"created_at, payload FROM events, generate_series(1, {count}) n WHERE cid = 'bench:{RECORDED}'",
            prefix,
        )
    await raw.execute("CREATE SEQUENCE bench_numbers")
    await raw.execute("VACUUM ANALYZE")


_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_name = 'calls' ORDER BY ordinal_position"
)


async def _http(node: Node, prefix: str, joins: int) -> dict[str, Any]:
    token = jwt.encode({"user_id": "ann", "exp": time.time() + 3600}, SECRET, algorithm="HS256")
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "serving.joiners",
            str(node.port),
            prefix,
            str(joins),
            str(CONNECTIONS),
            token,
        ),
        cwd=Path(__file__).parent.parent,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    result: dict[str, Any] = json.loads(printed)
    return result


def _pgbench(server: Postgres, script: str, joins: int) -> float:
    """Run the script `joins` times; return transactions a second."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        each = joins // CONNECTIONS
        program = str(find_programs() / "pgbench")
        options = [
            "-n",
            "-M",
            "prepared",
            "-c",
            str(CONNECTIONS),
            "-j",
            "2",
            "-t",
            str(each),
            "-f",
            file.name,
        ]
        done = subprocess.run(
            [program, *options, server.url("callclock")], capture_output=True, text=True, check=False
        )
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    if found is None or done.returncode:
        raise RuntimeError(f"pgbench: {done.stderr[-2000:]}")
    return float(found[1])


def report(result: dict[str, Any]) -> None:
    """Print joins beside their statements."""
    share = result["per_second"] / result["pgbench_per_second"]
    print(
        f"{result['joins']:,} joins over {CONNECTIONS} connections, {result['statements']} statements each: "
        f"{result['per_second']:,.0f} a second through HTTP (p50 {result['p50_ms']:.1f} ms, "
        f"p99 {result['p99_ms']:.1f} ms), {result['pgbench_per_second']:,.0f} a second under pgbench; "
        f"{share:.2f} of it (aim: 0.5); faults {result['faults'] or 'none'}\n"
        f"  CPU of a join through HTTP: {result['server_cpu_ms']:.2f} ms of the server, "
        f"{result['postgresql_cpu_ms']:.2f} ms of PostgreSQL",
        flush=True,
    )
