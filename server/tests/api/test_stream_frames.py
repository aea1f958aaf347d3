"""Frames that are made once for many sockets are the frames that a client expects."""

from __future__ import annotations

import pytest
from callclock_server.api.event_stream.frames import text_frame
from callclock_server.api.event_stream.outbox import Outbox
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader


def parsed(data: bytes) -> Frame:
    reader = StreamReader()
    reader.feed_data(data)
    parsing = Frame.parse(reader.read_exact, mask=False, max_size=None)
    with pytest.raises(StopIteration) as over:
        next(parsing)
    assert reader.buffer == b""
    frame: Frame = over.value.value
    return frame


@pytest.mark.parametrize("size", [2, 125, 126, 0xFFFF, 0x10000])
def test_frame_of_any_size_is_read_back(size: int) -> None:
    frame = parsed(text_frame("ü" + "x" * (size - 2)))
    assert (frame.opcode, frame.fin) == (Opcode.TEXT, True)
    assert bytes(frame.data).decode() == "ü" + "x" * (size - 2)


def test_what_waited_is_taken_in_order_and_in_portions() -> None:
    outbox = Outbox()
    for number in range(5):
        outbox.put(str(number) * 10)
    assert outbox.take(25) == ["0" * 10, "1" * 10]
    assert outbox.take(1) == ["2" * 10]
    assert outbox.take(1000) == ["3" * 10, "4" * 10]
    assert outbox.take(1000) == []
