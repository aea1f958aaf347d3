"""One server process: `python process.py PORT DATA_DIR KEY SECRET`. Killed by tests without warning."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from callclock_server.api.logs import configure_logging
from callclock_server.api.serving import uvicorn_config
from callclock_server.app import create_app
from callclock_server.settings import Settings


def main(port: str, data_dir: str, key: str, secret: str) -> None:
    """Serve until killed."""
    configure_logging("info")
    settings = Settings(
        host="127.0.0.1",
        port=int(port),
        data_dir=Path(data_dir),
        keys={key: secret},
        media_host="127.0.0.1",
        media_addresses=("127.0.0.1",),
    )
    uvicorn.Server(uvicorn_config(create_app(settings), host="127.0.0.1", port=int(port))).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
