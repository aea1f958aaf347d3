"""The load generator: a process that holds the WebSockets and notes when each end came.

    python -m hour.watchers CALLS SOCKETS PREFIX PORT [PORT ...]

Call number n is `bench:PREFIX-n`; two different sockets watch it. Says `ready` when the server has confirmed
every watch, reads the deadline (seconds since 1970) as a line, and answers with a line of JSON when all
ends are there, or when they are not after a minute.

It shares the machine with the server, so it does only what the check needs: it finds the frames in what came,
the kind and the call's number in each, and leaves the rest unparsed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
import time
from array import array

import uvloop

from hour.websocket import Frames, login

WATCHERS = 2
GIVE_UP_SECONDS = 60.0
TOLD_TWICE_WITHIN_SECONDS = 3.0
AT_ONCE = 25


class Tally:
    """Which end reached which watcher when."""

    def __init__(self, calls: int, prefix: str) -> None:
        self.call_ended = array("d", bytes(8 * calls * WATCHERS))
        self.session_ended = bytearray(calls * WATCHERS)
        self.missing = calls * WATCHERS
        self.twice = 0
        self.disordered = 0
        self.done = asyncio.Event()
        self.marker = f'"cid":"bench:{prefix}-'.encode()

    def note(self, kind: bytes, number: int, watcher: int, now: float) -> None:
        """Take one event of a call."""
        place = number * WATCHERS + watcher
        if kind == b"call.ended":
            if self.call_ended[place]:
                self.twice += 1
            self.call_ended[place] = now
        elif kind == b"call.session_ended":
            if self.session_ended[place]:
                self.twice += 1
                return
            if not self.call_ended[place]:
                self.disordered += 1
            self.session_ended[place] = 1
            self.missing -= 1
            if not self.missing:
                self.done.set()


class Stream(Frames):
    """One event stream: WebSocket frames in, events noted."""

    def __init__(self, tally: Tally, watchers: dict[int, int]) -> None:
        super().__init__("/v1/events")
        self._tally = tally
        self._watchers = watchers  # call number: which of its watchers this socket is
        self._confirmed = 0
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionError("the server closed an event stream"))

    def data_received(self, data: bytes) -> None:
        self._now = time.time()
        super().data_received(data)

    def opened(self) -> None:
        prefix = self._tally.marker.decode().removeprefix('"cid":"')
        login(self, [f"{prefix}{number}" for number in self._watchers])

    def message(self, data: bytes, begin: int, end: int) -> None:
        at = data.find(b'"type":"', begin, begin + 120) + 8
        kind = data[at : data.index(b'"', at, end)]
        if kind.startswith(b"call."):
            number = data.find(self._tally.marker, at, at + 200)
            if number >= 0:
                number += len(self._tally.marker)
                which = int(data[number : data.index(b'"', number, end)])
                self._tally.note(kind, which, self._watchers[which], self._now)
        elif kind == b"watch.ok":
            self._confirmed += len(json.loads(data[begin:end])["calls"])
            if self._confirmed == len(self._watchers):
                self.ready.set_result(None)


def shares(calls: int, sockets: int) -> list[dict[int, int]]:
    """Return for each socket the calls that it watches, and as which of their watchers."""
    divided: list[dict[int, int]] = [{} for _ in range(sockets)]
    for number in range(calls):
        for watcher in range(WATCHERS):
            divided[(number + watcher * (sockets // 2)) % sockets][number] = watcher
    return divided


async def main(calls: int, sockets: int, prefix: str, ports: list[int]) -> None:
    loop = asyncio.get_running_loop()
    tally = Tally(calls, prefix)
    streams: list[Stream] = []
    divided = [share for share in shares(calls, sockets) if share]
    for begin in range(0, len(divided), AT_ONCE):
        opened = []
        for place, share in enumerate(divided[begin : begin + AT_ONCE], start=begin):
            stream = Stream(tally, share)
            await loop.create_connection(lambda stream=stream: stream, "127.0.0.1", ports[place % len(ports)])  # type: ignore[misc]
            opened.append(stream)
        await asyncio.gather(*(stream.ready for stream in opened))
        streams += opened
    gc.collect()
    gc.freeze()
    gc.disable()
    print("ready", flush=True)
    deadline = float(await loop.run_in_executor(None, sys.stdin.readline))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(tally.done.wait(), deadline - time.time() + GIVE_UP_SECONDS)
    used = time.process_time()
    if not tally.missing:
        # The poll of the event table goes over what the bus has brought: nothing may be told again.
        await asyncio.sleep(TOLD_TWICE_WITHIN_SECONDS)
    late = sorted(moment - deadline for moment in tally.call_ended if moment)
    print(
        json.dumps(
            {
                "sockets": len(streams),
                "told": len(late),
                "missing": tally.missing,
                "twice": tally.twice,
                "disordered": tally.disordered,
                "early": sum(value < 0 for value in late),
                "median_ms": 1000 * late[len(late) // 2] if late else None,
                "last_ms": 1000 * late[-1] if late else None,
                "cpu_seconds_at_end": used,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], [int(port) for port in sys.argv[4:]]))
