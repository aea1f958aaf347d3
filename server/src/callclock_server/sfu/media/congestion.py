"""Transport-wide congestion control feedback, receiver's side.

Written after draft-holmer-rmcat-transport-wide-cc-extensions-01: the client numbers every packet of the
transport and estimates its uplink from the arrival times reported here.
"""

from __future__ import annotations

from callclock_server.sfu.media.rtp import SequenceUnwrapper

FEEDBACK_SECONDS = 0.1
_MAX_SPAN = 500
_MAX_PENDING = 200
_REFERENCE_TICK = 0.064
_DELTAS_PER_SECOND = 4000
_NOT_RECEIVED, _SMALL_DELTA, _LARGE_DELTA = 0, 1, 2
_MAX_RUN = 8191


class ArrivalLog:
    """Collects arrivals and packs them into feedback bodies. Pure: time is passed in."""

    def __init__(self) -> None:
        self._unwrapper = SequenceUnwrapper()
        self._arrivals: dict[int, float] = {}
        self._sent_at = 0.0
        self._next = 0
        self._count = 0

    def note(self, sequence: int, now: float) -> None:
        """Note the arrival of the packet with this transport-wide number."""
        self._arrivals.setdefault(self._unwrapper.unwrap(sequence), now)

    def is_due(self, now: float) -> bool:
        """Whether feedback should leave now."""
        if not self._arrivals:
            return False
        return now - self._sent_at >= FEEDBACK_SECONDS or len(self._arrivals) >= _MAX_PENDING

    def take(self, now: float) -> bytes:
        """Pack everything noted since the last feedback. Call only if there is something."""
        self._sent_at = now
        arrivals, self._arrivals = self._arrivals, {}
        last = max(arrivals)
        first = max(min(min(arrivals), self._next or last), last - _MAX_SPAN + 1)
        if min(arrivals) < first:
            arrivals = {n: at for n, at in arrivals.items() if n >= first}
        self._next = last + 1
        self._count = (self._count + 1) & 0xFF
        return pack_feedback_body(arrivals, first=first, last=last, count=self._count - 1 & 0xFF)


def pack_feedback_body(arrivals: dict[int, float], *, first: int, last: int, count: int) -> bytes:
    """Pack arrival times (seconds) of the numbers `first..last`; absent ones are reported as lost."""
    reference = int(arrivals[min(arrivals)] / _REFERENCE_TICK)
    clock = round(reference * _REFERENCE_TICK * _DELTAS_PER_SECOND)
    symbols: list[int] = []
    deltas = bytearray()
    for number in range(first, last + 1):
        at = arrivals.get(number)
        if at is None:
            symbols.append(_NOT_RECEIVED)
            continue
        ticks = int(at * _DELTAS_PER_SECOND)
        delta = max(-32768, min(ticks - clock, 32767))
        clock += delta
        if 0 <= delta <= 255:
            symbols.append(_SMALL_DELTA)
            deltas.append(delta)
        else:
            symbols.append(_LARGE_DELTA)
            deltas += (delta & 0xFFFF).to_bytes(2, "big")
    head = (
        (first & 0xFFFF).to_bytes(2, "big")
        + len(symbols).to_bytes(2, "big")
        + (reference & 0xFFFFFF).to_bytes(3, "big")
        + bytes((count,))
    )
    body = head + _pack_symbols(symbols) + bytes(deltas)
    return body.ljust((len(body) + 3) // 4 * 4, b"\0")


def _pack_symbols(symbols: list[int]) -> bytes:
    chunks = bytearray()
    position = 0
    while position < len(symbols):
        run = _run_length(symbols, position)
        if run >= 7 or position + run == len(symbols):
            chunks += (symbols[position] << 13 | run).to_bytes(2, "big")
            position += run
            continue
        chunk = 0xC000
        for index, symbol in enumerate(symbols[position : position + 7]):
            chunk |= symbol << (12 - 2 * index)
        chunks += chunk.to_bytes(2, "big")
        position += 7
    return bytes(chunks)


def _run_length(symbols: list[int], position: int) -> int:
    end = position
    while end < len(symbols) and symbols[end] == symbols[position] and end - position < _MAX_RUN:
        end += 1
    return end - position
