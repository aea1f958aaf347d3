"""The pure parts of reception: layers, repair, congestion feedback, levels, layer choice."""

from __future__ import annotations

import pytest
from callclock_server.sfu.media.congestion import ArrivalLog, pack_feedback_body
from callclock_server.sfu.media.layer import Layer
from callclock_server.sfu.media.levels import AudioLevel
from callclock_server.sfu.media.quality import CongestionGate, choose_layer
from callclock_server.sfu.media.repair import MissingPackets, PacketCache, ResendBudget
from callclock_server.sfu.media.rtp import RtpPacket
from callclock_server.sfu.media.specs import Codec
from hypothesis import given
from hypothesis import strategies as st

VP8 = Codec(96, "VP8", 90000)


def packet(sequence, *, payload=b"\x10\x01data", timestamp=0, payload_type=96):
    return RtpPacket(
        payload_type=payload_type,
        marker=0,
        sequence=sequence & 0xFFFF,
        timestamp=timestamp,
        ssrc=1,
        extensions={},
        payload=payload,
    )


def make_layer(quality=0, *, at=0.0):
    layer = Layer(ssrc=1, quality=quality, rid="", codecs={96: VP8}, repairs=True)
    layer.last_packet_at = at
    return layer


def feed(layer, sequences, *, now=1.0):
    """Accept packets and return their gapless numbers, None for those not forwarded."""
    numbers = []
    for sequence in sequences:
        one = packet(sequence)
        numbers.append(one.number if layer.accept(one, repaired=False, now=now) else None)
    return numbers


def test_layer_numbers_packets_over_the_wrap():
    assert feed(make_layer(), [65534, 65535, 0, 1]) == [131070, 131071, 131072, 131073]


def test_layer_refuses_duplicates_and_strange_payload_types():
    layer = make_layer()
    assert feed(layer, [1, 2, 2]) == [65537, 65538, None]
    assert not layer.accept(packet(3, payload_type=100), repaired=False, now=1.0)


def test_padding_shifts_later_numbers_but_not_earlier_ones():
    layer = make_layer()
    feed(layer, [1, 2])
    assert not layer.accept(packet(4, payload=b""), repaired=False, now=1.0)
    late, later = packet(3), packet(5)
    assert layer.accept(later, repaired=False, now=1.0)
    assert layer.accept(late, repaired=False, now=1.0)
    assert (late.number, later.number) == (65539, 65540)


def test_jump_begins_a_new_generation():
    layer = make_layer()
    feed(layer, [1, 2, 30000])
    assert layer.generation == 1
    assert not layer.missing.is_waiting


def test_report_counts_only_what_the_network_lost():
    layer = make_layer()
    assert layer.report_block(1.0) is None
    feed(layer, [65535, 0, 1, 4])
    block = layer.report_block(2.0)
    assert (block.lost, block.fraction_lost, block.highest_sequence) == (2, 2 * 256 // 6, 65540)
    layer.accept(packet(2), repaired=True, now=2.0)
    feed(layer, [5, 6])
    assert (layer.report_block(3.0).lost, layer.report_block(3.0).fraction_lost) == (2, 0)


def test_jitter_is_zero_for_an_even_stream():
    layer = make_layer()
    for number in range(50):
        one = packet(number, timestamp=number * 3000)
        layer.accept(one, repaired=False, now=number * 3000 / 90000)
    assert layer.report_block(2.0).jitter == 0


def test_missing_packets_are_asked_for_at_once_and_again_until_they_come():
    missing = MissingPackets()
    missing.add_gap(5, 7)
    assert missing.due(1.0) == [5, 6, 7]
    assert missing.due(1.01) == []
    missing.arrived(6, 1.02)
    assert missing.due(1.5) == [5, 7]


def test_missing_packets_are_given_up():
    missing = MissingPackets()
    missing.add_gap(5, 5)
    asked = [missing.due(float(second)) for second in range(1, 20)]
    assert asked.count([5]) == 10
    assert not missing.is_waiting


def test_too_wide_a_gap_is_not_asked_for():
    missing = MissingPackets()
    missing.add_gap(5, 2000)
    assert missing.overflowed
    assert missing.due(1.0) == []


def test_cache_keeps_the_latest_packets():
    cache = PacketCache(size=4)
    for number in range(10):
        one = packet(number)
        one.number = number
        assert cache.add(one)
    assert [n for n in range(10) if cache.get(n)] == [6, 7, 8, 9]
    old = packet(2)
    old.number = 2
    assert not cache.add(old)
    assert cache.get(6) is not None


def test_resend_budget_refills():
    budget = ResendBudget(per_second=10, burst=5)
    assert sum(budget.take(1.0) for _ in range(20)) == 5
    assert sum(budget.take(1.3) for _ in range(20)) == 3


def read_feedback(body):
    """An independent reading of transport-wide feedback: {number: seconds or None}."""
    first, count = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
    clock = int.from_bytes(body[4:7], "big") * 64_000
    position, symbols = 8, []
    while len(symbols) < count:
        chunk = int.from_bytes(body[position : position + 2], "big")
        position += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13] * (chunk & 0x1FFF)
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    seen = {}
    for index, symbol in enumerate(symbols[:count]):
        size = symbol
        if size:
            delta = int.from_bytes(body[position : position + size], "big", signed=size == 2)
            clock += 250 * delta
            position += size
        seen[first + index] = clock / 1e6 if size else None
    assert len(body) - position in range(4)
    return seen, body[7]


@given(
    st.dictionaries(st.integers(1000, 1300), st.floats(0, 3), min_size=1),
    st.integers(0, 10_000),
)
def test_feedback_tells_every_arrival_within_a_tick(offsets, start):
    arrivals = {number: start + offset for number, offset in offsets.items()}
    body = pack_feedback_body(arrivals, first=min(arrivals), last=max(arrivals), count=3)
    seen, count = read_feedback(body)
    assert count == 3
    assert len(body) % 4 == 0
    assert {number for number, at in seen.items() if at is not None} == set(arrivals)
    for number, at in arrivals.items():
        assert seen[number] == pytest.approx(at, abs=0.0006)


def test_feedback_is_paced_and_continues_where_it_ended():
    log = ArrivalLog()
    assert not log.is_due(5.0)
    log.note(65534, 5.0)
    assert log.is_due(5.0)
    seen, count = read_feedback(log.take(5.0))
    assert (list(seen), count) == ([65534], 0)
    log.note(1, 5.01)
    assert not log.is_due(5.02)
    assert log.is_due(5.11)
    seen, count = read_feedback(log.take(5.11))
    assert count == 1
    assert [number & 0xFFFF for number in seen] == [65535, 0, 1]
    assert [at is None for at in seen.values()] == [True, True, False]


def test_feedback_span_is_bounded():
    log = ArrivalLog()
    log.note(0, 1.0)
    log.note(20000, 1.1)
    assert len(log.take(1.2)) < 100


def test_level_rises_quickly_and_falls_to_zero():
    level = AudioLevel()
    for tick in range(20):
        level.observe(20, 1 + tick * 0.02)
    assert level.value(1.4) == pytest.approx(0.1, abs=0.01)
    assert level.value(1.4) > level.value(2.0) > level.value(4.0)
    assert level.value(4.0) < 0.001
    level.observe(0x80, 4.0)
    level.silence()
    assert level.value(4.0) == 0.0


def test_quiet_is_zero():
    level = AudioLevel()
    level.observe(127, 1.0)
    assert level.value(1.0) == 0.0


@pytest.mark.parametrize(
    ("ages", "wish", "chosen"),
    [
        ({0: 0, 1: 0, 2: 0}, 2, 2),
        ({0: 0, 1: 0, 2: 0}, 1, 1),
        ({0: 0, 1: 0, 2: 5}, 2, 1),
        ({0: 0, 1: 5, 2: 5}, 2, 0),
        ({1: 0, 2: 0}, 0, 1),
        ({0: 5, 2: 0}, 0, 2),
    ],
)
def test_best_living_layer_within_the_wish_is_chosen(ages, wish, chosen):
    layers = [make_layer(quality, at=100.0 - age) for quality, age in ages.items()]
    assert choose_layer(layers, max_quality=wish).quality == chosen


def test_without_layers_nothing_is_chosen():
    assert choose_layer([], max_quality=2) is None


def report(gate, loss, *, now, round_trip=None):
    return gate.report(loss, round_trip=round_trip, current=gate.limit, now=now)


def test_passing_trouble_changes_nothing():
    gate = CongestionGate()
    outcomes = [report(gate, loss, now=now) for now, loss in enumerate([0.5, 0.5, 0.0, 0.5, 0.5, 0.0])]
    assert not any(outcomes)
    assert gate.limit == 2


def test_growing_queue_counts_as_overrun_and_a_long_path_does_not():
    gate = CongestionGate()
    for now in range(10):
        assert not report(gate, 0.0, round_trip=0.6, now=now)
    assert [report(gate, 0.0, round_trip=0.9, now=10 + n) for n in range(3)] == [False, False, True]
    assert gate.limit == 1


def test_failed_attempts_make_the_gate_more_patient():
    gate = CongestionGate()
    now = 0.0
    waits = []
    for _ in range(4):
        assert [report(gate, 0.3, now=now) for _ in range(3)] == [False, False, True]
        lowered_at = now
        while not report(gate, 0.0, now=now):
            now += 1.0
        waits.append(now - lowered_at)
    assert waits == [8.0, 16.0, 32.0, 60.0]


def test_lowest_layer_is_never_taken_away():
    gate = CongestionGate()
    for now in range(30):
        report(gate, 0.9, now=now)
    assert gate.limit == 0
