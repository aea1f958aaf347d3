"""The media engines that this server may use, and which of them a session's room is on.

A session stays on the cluster on which it began: its tokens, its webhooks and its room belong there. New ones
go round among the clusters that answer. A session without a cluster, or with one that is no longer
configured, belongs to the first: so it was before there were several, and so a deployment that moves from the
embedded media to LiveKit keeps its running sessions.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from callclock_server.media.probe import Engine
from callclock_server.media.rooms import RoomControl
from callclock_server.media.tokens import TokenMint

EMBEDDED = "embedded"


@dataclass(slots=True)
class Cluster:
    """One media engine and what is known of it at the moment.

    `url` None means that browsers reach it at the host of their request (the embedded media). `refused` is
    why it may not be used, for people; a cluster that merely does not answer is not refused.
    """

    name: str
    url: str | None
    rooms: RoomControl
    mint: TokenMint
    engine: Engine | None = None
    answers: bool = True
    refused: str = field(default="")

    @property
    def usable(self) -> bool:
        """Whether new sessions may begin there."""
        return self.answers and not self.refused


class Clusters:
    """All clusters, by name and in the order of the configuration."""

    def __init__(self, clusters: Sequence[Cluster]) -> None:
        self._by_name = {cluster.name: cluster for cluster in clusters}
        self._first = clusters[0]
        self._turns = itertools.count()

    def __iter__(self) -> Iterator[Cluster]:
        return iter(self._by_name.values())

    def of(self, name: str | None) -> Cluster:
        """The cluster of a session."""
        return self._by_name.get(name or "", self._first)

    def next_for_new(self) -> Cluster:
        """Where the next new session goes: in turn, passing over those that cannot be used now."""
        usable = [cluster for cluster in self if cluster.usable] or [self._first]
        return usable[next(self._turns) % len(usable)]

    @property
    def all_refused(self) -> str:
        """Why no cluster at all may be used; empty as long as one may, or is only away."""
        reasons = [cluster.refused for cluster in self]
        return " ".join(reasons) if all(reasons) else ""
