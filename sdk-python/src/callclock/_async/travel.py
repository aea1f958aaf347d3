"""The clock of a server for tests."""

from __future__ import annotations

from datetime import datetime

from callclock._async.http import AsyncHttp
from callclock._decoding import parse_time
from callclock._requests import path
from callclock.errors import UnexpectedAnswer


class AsyncTestClock:
    """The clock of a server that was started with `--test-clock`: it stands still until it is moved on.

    Every method raises `NotFound` (code `no-test-clock`) on a server that runs on real time.
    """

    __test__ = False  # its name is not meant for pytest

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def now(self) -> datetime:
        """The time at which the clock stands."""
        return _time_of(await self._http.get(path("test_clock")))

    async def advance(self, seconds: float) -> datetime:
        """Move on by `seconds` (at most 366 days) and answer with the new time.

        Whatever falls due on the way (warnings, ends) has happened, in order, when this returns.
        """
        return _time_of(await self._http.write("POST", path("test_clock", "advance"), {"seconds": seconds}))

    async def advance_to(self, moment: datetime) -> datetime:
        """Move on to `moment`, for instance to half a minute before `session.timer_ends_at`.

        Raises `ValueError` for a moment that has passed, or that names no offset from UTC.
        """
        if moment.tzinfo is None:
            raise ValueError("the moment has no offset from UTC")
        seconds = (moment - await self.now()).total_seconds()
        if seconds < 0:
            raise ValueError(f"the test clock stands {-seconds:g} seconds later already; it never goes back")
        return await self.advance(seconds)


def _time_of(answer: dict[str, object]) -> datetime:
    clock = answer.get("test_clock")
    if not isinstance(clock, dict) or not isinstance(clock.get("now"), str):
        raise UnexpectedAnswer("The server sent no time of a test clock.")
    return parse_time(clock["now"])
