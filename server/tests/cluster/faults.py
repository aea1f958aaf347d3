"""What can go wrong with a cluster, each for a while and mended afterwards.

A fault that takes something away notes an outage: for so long nothing is promised to those whom it concerns.
A node that is killed is no outage: the others are there.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .stage import Stage

Strike = Callable[[Stage, int, float], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """`strike(stage, place, seconds)` lets it happen to the node at `place`, or to what all of them share."""

    name: str
    strike: Strike
    longest_seconds: float = 5.0


async def kill(stage: Stage, place: int, seconds: float) -> None:
    """`kill -9` a node; start it again after a while."""
    node = stage.nodes[place]
    node.kill()
    await asyncio.sleep(seconds)
    await node.start()


async def freeze(stage: Stage, place: int, seconds: float) -> None:
    """SIGSTOP a node and let it wake up late."""
    node = stage.nodes[place]
    with stage.outage(f"{node.name} asleep"):
        node.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            node.send(signal.SIGCONT)


async def cut_from_database(stage: Stage, place: int, seconds: float) -> None:
    """Nothing passes between a node and PostgreSQL."""
    node = stage.nodes[place]
    with stage.outage(f"{node.name} without PostgreSQL"):
        node.to_database.cut()
        try:
            await asyncio.sleep(seconds)
        finally:
            node.to_database.heal()


async def cut_from_redis(stage: Stage, place: int, seconds: float) -> None:
    """Nothing passes between a node and Redis. No outage: hints are not missed."""
    node = stage.nodes[place]
    node.to_redis.cut()
    try:
        await asyncio.sleep(seconds)
    finally:
        node.to_redis.heal()


async def stop_redis(stage: Stage, _place: int, seconds: float) -> None:
    """Redis is killed, and started again. No outage either."""
    await asyncio.to_thread(stage.redis.stop)
    try:
        await asyncio.sleep(seconds)
    finally:
        await asyncio.to_thread(stage.redis.start)


async def restart_database(stage: Stage, _place: int, seconds: float) -> None:
    """PostgreSQL stops at once, as in a crash, and comes back."""
    with stage.outage("PostgreSQL away"):
        await asyncio.to_thread(stage.postgres.stop, how=signal.SIGQUIT)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(stage.postgres.start)


async def cut_from_engine(stage: Stage, _place: int, seconds: float) -> None:
    """The media engine does not answer. No outage: the clock does not need it."""
    stage.to_engine.cut()
    try:
        await asyncio.sleep(seconds)
    finally:
        stage.to_engine.heal()


KILL = Fault("a node is killed", kill)
FREEZE = Fault("a node is asleep", freeze)
NO_DATABASE = Fault("a node is cut off from PostgreSQL", cut_from_database)
NO_REDIS = Fault("a node is cut off from Redis", cut_from_redis)
REDIS_AWAY = Fault("Redis is killed", stop_redis)
DATABASE_AWAY = Fault("PostgreSQL restarts", restart_database, longest_seconds=2.0)
NO_ENGINE = Fault("the media engine is cut off", cut_from_engine)
EVERY = (KILL, FREEZE, NO_DATABASE, NO_REDIS, REDIS_AWAY, DATABASE_AWAY, NO_ENGINE)
