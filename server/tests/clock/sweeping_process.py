"""A process that only sweeps: says so on its output, and goes on until it is killed."""

from __future__ import annotations

import asyncio
import sys
from typing import NoReturn

from callclock_server.bus import LocalBus, connect
from callclock_server.clock import Sweeper
from callclock_server.storage.database import Database


async def sweep(url: str) -> NoReturn:
    database = await Database.open(url)
    bus = LocalBus()
    connect(database, bus)
    print("sweeping", flush=True)
    await Sweeper(database, bus).run()


asyncio.run(sweep(sys.argv[1]))
