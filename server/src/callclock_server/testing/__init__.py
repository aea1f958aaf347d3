"""What tests, benches and demos start for themselves, on loopback and in temporary folders.

- `server`: a whole Callclock server in a thread (`running_server`).
- `postgres`: a real PostgreSQL from the machine's own package, to start, restart and stop (`Postgres`).
- `databases`: migrated databases, one for each test, of either kind.
"""

from __future__ import annotations

from .server import API_KEY, SECRET, RunningServer, running_server, server_token, user_token

__all__ = ["API_KEY", "SECRET", "RunningServer", "running_server", "server_token", "user_token"]
