"""The end of a call with a real LiveKit: the promises of `test_end_of_call`, and everybody out in time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from callclock_server.testing import RunningServer

from .test_end_of_call import (  # noqa: F401 - the tests themselves
    test_a_member_who_is_removed_leaves_the_room_and_cannot_stay_there,
    test_a_right_that_is_taken_away_stops_the_video_within_a_second,
    test_a_room_that_reappears_after_the_end_is_deleted_again,
    test_everybody_is_out_of_the_room_within_200_ms_of_the_deadline,
    test_presence_follows_the_media_room,
    test_the_clock_can_be_read_in_the_room,
)
from .with_livekit import call_with_livekit


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with call_with_livekit(tmp_path_factory.mktemp("livekit")) as (running, _):
        yield running
