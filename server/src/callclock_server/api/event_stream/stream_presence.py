"""What the event streams of this node mean for who is present (engine `none`)."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial

from callclock_server.calls import presence
from callclock_server.storage.database import Database


class StreamPresence:
    """Reports to the database; `here` returns the ids of the streams that this node has."""

    def __init__(self, database: Database, *, node_id: str, here: Callable[[], AbstractSet[str]]) -> None:
        self._database = database
        self._node_id = node_id
        self._here = here

    async def resume(self, connection_id: str) -> None:
        """A stream has come back, or has come here: forgive its loss."""
        deed = partial(presence.connection_resumed, connection_id=connection_id, node_id=self._node_id)
        await self._database.run(deed)

    async def lose(self, connection_id: str) -> None:
        """A stream is gone. Most of them only watch, and nothing hangs on those."""
        async with self._database.read() as tx:
            if not await presence.carries_presence(tx, connection_id=connection_id):
                return
        deed = partial(presence.connection_lost, connection_id=connection_id, node_id=self._node_id)
        await self._database.run(deed)

    async def keep(self) -> int:
        """Forgive losses of streams that are here; return how many.

        A client that moved here from another process may be reported lost by that one only afterwards.
        """
        if not self._here():
            return 0
        async with self._database.read() as tx:
            lost = await presence.lost_connections(tx)
        here = sorted(lost & self._here())
        for connection_id in here:
            await self.resume(connection_id)
        return len(here)

    async def let_go(self) -> int:
        """Report streams lost that presence hangs on and that are not here; return how many.

        A stream may close at the moment in which a join names it, and a join may name what is no stream.
        """
        async with self._database.read() as tx:
            expected = await presence.connections_on(tx, node_id=self._node_id)
        gone = sorted(expected - self._here())
        for connection_id in gone:
            await self.lose(connection_id)
        return len(gone)
