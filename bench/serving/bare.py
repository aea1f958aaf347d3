"""A WebSocket server that does nothing but broadcast: the measure for the fan-out.

    python -m serving.bare PORT BYTES

Prints `ready`; for each line on its input it broadcasts one message and prints when it began.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main(port: int, size: int) -> None:
    open_sockets: set[ServerConnection] = set()

    async def handle(socket: ServerConnection) -> None:
        open_sockets.add(socket)
        try:
            await socket.wait_closed()
        finally:
            open_sockets.discard(socket)

    loop = asyncio.get_running_loop()
    message = f'{{"type":"call.updated","filler":"{"x" * size}'
    async with serve(handle, "127.0.0.1", port, compression=None, ping_interval=None):
        print("ready", flush=True)
        number = 0
        while await loop.run_in_executor(None, sys.stdin.readline):
            gc.freeze()
            number += 1
            begin = time.time()
            broadcast(open_sockets, f'{message}{number}"}}')
            print(begin, flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
