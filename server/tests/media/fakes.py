"""A media engine in memory: rooms, who is in them, and failures on demand."""

from __future__ import annotations

from collections.abc import Sequence

from callclock_server.media.clusters import Cluster, Clusters
from callclock_server.media.rooms import MediaUnavailable
from callclock_server.media.tokens import TokenMint
from callclock_server.storage.database import Transaction


class FakeRooms:
    """`RoomControl` without a network. `failures` is how many of the next requests fail.

    `ghosts` are identities that are listed though they are gone, as LiveKit does after a node was killed.
    """

    def __init__(self) -> None:
        self.rooms: dict[str, set[str]] = {}
        self.metadata: dict[str, str] = {}
        self.permissions: dict[tuple[str, str], list[str]] = {}
        self.ghosts: set[str] = set()
        self.done: list[str] = []
        self.failures = 0

    def _request(self, deed: str) -> None:
        if self.failures:
            self.failures -= 1
            raise MediaUnavailable("the engine is away")
        self.done.append(deed)

    async def ensure_room(self, name: str, *, metadata: str = "") -> None:
        self._request(f"ensure {name}")
        self.rooms.setdefault(name, set())
        self.metadata.setdefault(name, metadata)

    async def set_metadata(self, name: str, metadata: str) -> None:
        self._request(f"tell {name}")
        if name in self.rooms:
            self.metadata[name] = metadata

    async def delete_room(self, name: str) -> None:
        self._request(f"delete {name}")
        self.rooms.pop(name, None)
        self.metadata.pop(name, None)

    async def remove_participant(self, name: str, *, identity: str) -> None:
        self._request(f"remove {identity} from {name}")
        self.rooms.get(name, set()).discard(identity)

    async def set_permissions(self, name: str, *, identity: str, sources: Sequence[str]) -> None:
        self._request(f"allow {identity} in {name}")
        self.permissions[name, identity] = list(sources)

    async def list_participants(self, name: str) -> list[str] | None:
        self._request(f"list {name}")
        people = self.rooms.get(name)
        return None if people is None else sorted(people)

    async def is_connected(self, name: str, *, identity: str) -> bool:
        self._request(f"ask {identity} in {name}")
        return identity in self.rooms.get(name, set()) - self.ghosts

    async def list_rooms(self) -> dict[str, int]:
        self._request("list rooms")
        return {name: len(people - self.ghosts) for name, people in self.rooms.items()}

    async def has_room(self, name: str) -> bool:
        self._request(f"look for {name}")
        return name in self.rooms

    async def close(self) -> None:
        self.rooms.clear()


def clusters_of(**rooms: FakeRooms) -> Clusters:
    """Clusters by name, the first one first."""
    mint = TokenMint("key", "s" * 32)
    return Clusters(
        [Cluster(name=name, url=f"ws://{name}.example", rooms=one, mint=mint) for name, one in rooms.items()]
    )


async def describe(_tx: Transaction, room: str) -> str | None:
    """What every room is told."""
    return f"the clock of {room}"
