"""Thousands of WebSockets that note when the last of them got an event.

    python -m serving.listeners PORT PATH SOCKETS CID

With a CID each socket logs in and watches the call; without, it only listens. Prints `ready`, then for each
line on its input waits until every socket has got one more message, and prints when the last did (seconds
since 1970).
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from typing import Any

import uvloop
from hour.websocket import Frames, login

AT_ONCE = 50


class Round:
    """Counts the sockets that have got the present event."""

    def __init__(self, sockets: int) -> None:
        self.sockets = sockets
        self.got = 0
        self.last = 0.0
        self.done = asyncio.Event()

    def note(self) -> None:
        self.got += 1
        if self.got == self.sockets:
            self.last = time.time()
            self.done.set()

    def begin(self) -> None:
        self.got = 0
        self.done.clear()


class Listener(Frames):
    """One socket."""

    def __init__(self, path: str, cid: str | None, rounds: Round) -> None:
        super().__init__(path)
        self._cid = cid
        self._rounds = rounds
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def opened(self) -> None:
        if self._cid is None:
            self.ready.set_result(None)
        else:
            login(self, [self._cid])

    def message(self, data: bytes, begin: int, end: int) -> None:
        at = data.find(b'"type":"', begin, begin + 120) + 8
        kind = data[at : data.index(b'"', at, end)]
        if kind == b"call.updated":
            self._rounds.note()
        elif kind == b"watch.ok":
            self.ready.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionError("the server closed a socket"))


async def main(port: int, path: str, sockets: int, cid: str | None) -> None:
    loop = asyncio.get_running_loop()
    rounds = Round(sockets)
    listeners: list[Listener] = []

    async def one() -> None:
        _, listener = await loop.create_connection(lambda: Listener(path, cid, rounds), "127.0.0.1", port)
        await listener.ready
        listeners.append(listener)

    for begin in range(0, sockets, AT_ONCE):
        await asyncio.gather(*(one() for _ in range(min(AT_ONCE, sockets - begin))))
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        rounds.begin()
        print("go", flush=True)
        await rounds.done.wait()
        print(rounds.last, flush=True)


if __name__ == "__main__":
    arguments: list[Any] = sys.argv[1:]
    uvloop.run(
        main(int(arguments[0]), arguments[1], int(arguments[2]), arguments[3] if arguments[3:] else None)
    )
