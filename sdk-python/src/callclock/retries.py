"""When a request is tried again, and after how long. Pure: no clock, no network."""

from __future__ import annotations

from dataclasses import dataclass

RETRIED_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently a request is tried again.

    Everything that the SDK sends may safely be sent twice: a read changes nothing, and every write carries
    an `Idempotency-Key`, so that the server answers a repetition with the first answer.
    """

    attempts: int = 3
    """How often a request is sent at most; 1 means never again."""
    first_delay_seconds: float = 0.2
    """The wait before the second attempt; it doubles with each further one."""
    max_delay_seconds: float = 5.0
    """No wait is longer. A server that asks for a longer one (`Retry-After`) gets no further attempt."""

    def delay_before(self, attempt: int, *, jitter: float, retry_after_seconds: float | None) -> float | None:
        """Seconds to wait before attempt number `attempt` (the second is 2), None if it shall not be made.

        `jitter` in 0..1 spreads the waits of many clients over the upper half of the delay.
        """
        if attempt > self.attempts:
            return None
        if retry_after_seconds is not None:
            return retry_after_seconds if retry_after_seconds <= self.max_delay_seconds else None
        delay = min(self.first_delay_seconds * float(2 ** (attempt - 2)), self.max_delay_seconds)
        return delay * (0.5 + 0.5 * jitter)
