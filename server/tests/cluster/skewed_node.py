"""`callclock serve` on a machine whose clock is wrong: `python skewed_node.py SECONDS serve ...`."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

WRONG_BY_SECONDS = float(sys.argv.pop(1))
_right = time.time
time.time = lambda: _right() + WRONG_BY_SECONDS

from callclock_server.cli import main  # noqa: E402 - what is imported now knows no other clock
from callclock_server.timekeeping import SystemClock  # noqa: E402

SystemClock.now = lambda _self: datetime.now(UTC) + timedelta(seconds=WRONG_BY_SECONDS)  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
