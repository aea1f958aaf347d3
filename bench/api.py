"""What the API costs beside the bare thing. Prints two tables, with the machine they were measured on.

    python bench/api.py

1. Joins a second through HTTP, and the statements of a join under pgbench: same PostgreSQL, same run.
2. An event to 5,000 WebSockets, and a bare broadcast of the `websockets` library: same client, same run.

One server process, PostgreSQL with its default durability, engine `none`, load generators on the same
machine. Ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

import uvloop
from hour.measure import machine, report_machine, staged
from hour.postgres import durable
from serving import fanout, joins


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run both measurements on a fresh database."""
    results: dict[str, Any] = {"machine": machine()}
    with durable() as server:
        results["machine"]["postgresql"] = server.execute("SHOW server_version")[0][0]
        report_machine(results["machine"])
        async with staged(server, nodes=1, redis_url=None) as stage:
            (node,) = stage.nodes
            if arguments.joins:
                results["joins"] = await joins.measure(
                    server, stage.database, stage.raw, node, joins=arguments.joins
                )
                joins.report(results["joins"])
            if arguments.sockets:
                results["fanout"] = await fanout.measure(
                    stage.database, node, sockets=arguments.sockets, rounds=arguments.rounds
                )
                fanout.report(results["fanout"])
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--joins", type=int, default=3200, help="0 leaves the joins out")
    parser.add_argument("--sockets", type=int, default=5000, help="0 leaves the fan-out out")
    parser.add_argument("--rounds", type=int, default=10, help="events sent to all sockets")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON at the end, too")
    arguments = parser.parse_args()
    results = uvloop.run(asyncio.wait_for(measure(arguments), 600))
    if arguments.json:
        json.dump(results, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
