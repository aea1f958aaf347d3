"""Ports for the servers that tests and benches start, each by itself."""

from __future__ import annotations

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on now."""
    return free_ports(1, host=host)[0]


def free_ports(
    count: int, *, kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1"
) -> list[int]:
    """Several at once, all different: TCP, or UDP with `kind` `SOCK_DGRAM`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held = [socket.socket(family, kind) for _ in range(count)]
    try:
        for each in held:
            each.bind((host, 0))
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()
