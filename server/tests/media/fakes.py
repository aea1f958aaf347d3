"""A media engine in memory: rooms, who is in them, and failures on demand."""

from __future__ import annotations

from collections.abc import Sequence

from callclock_server.media.rooms import MediaUnavailable


class FakeRooms:
    """`RoomControl` without a network. `failures` is how many of the next requests fail."""

    def __init__(self) -> None:
        self.rooms: dict[str, set[str]] = {}
        self.permissions: dict[tuple[str, str], list[str]] = {}
        self.done: list[str] = []
        self.failures = 0

    def _request(self, deed: str) -> None:
        if self.failures:
            self.failures -= 1
            raise MediaUnavailable("the engine is away")
        self.done.append(deed)

    async def ensure_room(self, name: str) -> None:
        self._request(f"ensure {name}")
        self.rooms.setdefault(name, set())

    async def delete_room(self, name: str) -> None:
        self._request(f"delete {name}")
        self.rooms.pop(name, None)

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

    async def list_rooms(self) -> list[str]:
        self._request("list rooms")
        return sorted(self.rooms)

    async def close(self) -> None:
        self.rooms.clear()
