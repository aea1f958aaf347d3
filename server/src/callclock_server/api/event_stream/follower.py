"""Follows the log: finds there what the bus has lost.

The heads of new rows are read first, and the rows themselves only where somebody here lacks them: the other
nodes' events are theirs, and those that the bus has brought need not be read again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from callclock_server.storage import events
from callclock_server.storage.database import NOTICE, Database, EventRow, Hint
from callclock_server.storage.events import Head

HEADS_PER_READ = 2_000
ROWS_PER_READ = 500
REMEMBERED_NOTICES = 10_000

Notice = dict[str, Any]


class Follower:
    """Hands missed rows to `offer` and missed notices to `notice`; `lacks` tells whether a row is missed.

    `lacks` is asked for events of calls, and for notices by their channel.
    """

    def __init__(
        self,
        database: Database,
        *,
        lacks: Callable[[Head], bool],
        offer: Callable[[Iterable[EventRow]], None],
        notice: Callable[[str, Notice], None],
    ) -> None:
        self._database = database
        self._lacks = lacks
        self._offer = offer
        self._notice = notice
        self._position: int | None = None
        self._heard: set[int] = set()
        self._order: deque[int] = deque()

    def note(self, hint: Hint) -> None:
        """See a commit of this process go by: what the bus has brought need not be looked at again."""
        if hint.events and self._position is not None and hint.events[0].position == self._position + 1:
            self._position = hint.events[-1].position

    def first_time(self, notice: Notice) -> bool:
        """Return whether a notice has not been heard before, from whichever side."""
        position = int(notice["position"])
        if position in self._heard:
            return False
        self._heard.add(position)
        self._order.append(position)
        if len(self._order) > REMEMBERED_NOTICES:
            self._heard.discard(self._order.popleft())
        return True

    async def poll(self) -> int:
        """Read the log from where the last poll ended; return how many rows somebody here lacked."""
        count = 0
        while True:
            async with self._database.read() as tx:
                if self._position is None:
                    self._position = await events.last_position(tx)
                heads = await events.heads(tx, after_position=self._position, limit=HEADS_PER_READ)
                lacking = [head.position for head in heads if self._lacks(head)]
                rows: list[EventRow] = []
                for start in range(0, len(lacking), ROWS_PER_READ):
                    rows += await events.at(tx, lacking[start : start + ROWS_PER_READ])
            if heads:
                self._position = max(self._position, heads[-1].position)
            self._hand_over(rows)
            count += len(rows)
            if len(heads) < HEADS_PER_READ:
                return count

    def _hand_over(self, rows: Iterable[EventRow]) -> None:
        for row in rows:
            if row.type == NOTICE:
                notice = orjson.loads(row.payload) | {"position": row.position}
                self._notice(row.cid[len(NOTICE) :], notice)
            else:
                self._offer((row,))
