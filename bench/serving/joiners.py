"""Joins calls over HTTP as fast as it can, over some connections that stay open.

    python -m serving.joiners PORT PREFIX COUNT CONNECTIONS USER_TOKEN

Prints a line of JSON: seconds, milliseconds of each join, and how many were refused.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator

import uvloop
from hour.nodes import KEY


async def join_some(port: int, prefix: str, numbers: Iterator[int], token: str) -> tuple[list[float], int]:
    """Join one call after the other over one connection; return the milliseconds, and the refusals."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nX-Api-Key: {KEY}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    took, refused = [], 0
    for number in numbers:
        begin = time.perf_counter()
        writer.write(f"POST /v1/calls/bench/{prefix}{number}/join {head}".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        at = answer.lower().index(b"content-length:") + 15
        await reader.readexactly(int(answer[at : answer.index(b"\r\n", at)]))
        took.append(1000 * (time.perf_counter() - begin))
        refused += answer[9:12] not in (b"200", b"201")
    writer.close()
    return took, refused


async def main(port: int, prefix: str, count: int, connections: int, token: str) -> None:
    numbers = iter(range(1, count + 1))
    begin = time.perf_counter()
    parts = await asyncio.gather(*(join_some(port, prefix, numbers, token) for _ in range(connections)))
    seconds = time.perf_counter() - begin
    took = sorted(one for part, _ in parts for one in part)
    print(json.dumps({"seconds": seconds, "took_ms": took, "refused": sum(refused for _, refused in parts)}))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
