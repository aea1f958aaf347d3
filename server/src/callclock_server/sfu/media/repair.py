"""Loss repair: what is missing from a sender, and what was forwarded and may be asked for again."""

from __future__ import annotations

from callclock_server.sfu.media.rtp import RtpPacket

CACHE_PACKETS = 512
_RETRY_SECONDS = 0.1
_MIN_RETRY_SECONDS = 0.03
_MAX_RETRY_SECONDS = 0.4
_MAX_TRIES = 10
_MAX_MISSING = 256


class MissingPackets:
    """The gaps in one incoming stream and when to ask for them (again). Pure: time is passed in."""

    def __init__(self) -> None:
        self._missing: dict[int, tuple[float, int]] = {}
        self._retry_seconds = _RETRY_SECONDS
        self.overflowed = False
        """Set when a gap was too wide to repair, so that only a key frame helps; cleared by the reader."""

    @property
    def is_waiting(self) -> bool:
        """Whether there is anything to ask for, now or later."""
        return bool(self._missing) or self.overflowed

    def add_gap(self, first: int, last: int) -> None:
        """Note that `first..last` did not come; if that is too much to repair all is forgotten."""
        if len(self._missing) + last - first + 1 > _MAX_MISSING:
            self._missing.clear()
            self.overflowed = True
            return
        for number in range(first, last + 1):
            self._missing[number] = (0.0, 0)

    def arrived(self, number: int, now: float) -> None:
        """Note a late or repeated packet; the time of a repair sets the pace of the next questions."""
        asked_at, tries = self._missing.pop(number, (0.0, 0))
        if tries == 1:
            sample = 1.5 * (now - asked_at)
            paced = 0.8 * self._retry_seconds + 0.2 * sample
            self._retry_seconds = max(_MIN_RETRY_SECONDS, min(paced, _MAX_RETRY_SECONDS))

    def due(self, now: float) -> list[int]:
        """Return the numbers to ask for now, and give up on those asked for too often."""
        asked: list[int] = []
        for number, (asked_at, tries) in list(self._missing.items()):
            if tries >= _MAX_TRIES:
                del self._missing[number]
            elif not tries or now - asked_at >= self._retry_seconds:
                self._missing[number] = (now, tries + 1)
                asked.append(number)
        asked.sort()
        return asked

    def clear(self) -> None:
        """Forget everything, as after a jump of the sender."""
        self._missing.clear()


class PacketCache:
    """The latest packets of one layer by their gapless number."""

    def __init__(self, size: int = CACHE_PACKETS) -> None:
        self._size = size
        self._slots: list[RtpPacket | None] = [None] * size

    def add(self, packet: RtpPacket) -> bool:
        """Keep a packet; False if it is there already, or older than everything kept."""
        slot = packet.number % self._size
        held = self._slots[slot]
        if held is not None and held.number >= packet.number:
            return False
        self._slots[slot] = packet
        return True

    def get(self, number: int) -> RtpPacket | None:
        """Return the packet of this number, None if it never came or is too old."""
        held = self._slots[number % self._size]
        return held if held is not None and held.number == number else None


class ResendBudget:
    """Bounds the answers to NACKs, so that a client cannot turn small requests into a flood."""

    def __init__(self, *, per_second: float = 400.0, burst: float = 200.0) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left = burst
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether one more packet may be repeated."""
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
