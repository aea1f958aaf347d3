"""Pauses between attempts that grow, with some chance in them: nodes that were cut off together come back
one after the other."""

from __future__ import annotations

import asyncio
import random

FIRST_SECONDS = 0.05
LONGEST_SECONDS = 1.0


class Backoff:
    """`await rest()` after each failure, `reset()` after a success."""

    def __init__(self) -> None:
        self._next = FIRST_SECONDS

    def reset(self) -> None:
        """Begin with the short pauses again."""
        self._next = FIRST_SECONDS

    async def rest(self) -> None:
        """Wait for between half and all of the present pause; the next one is twice as long."""
        await asyncio.sleep(self._next * random.uniform(0.5, 1.0))
        self._next = min(LONGEST_SECONDS, self._next * 2)
