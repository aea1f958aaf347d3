"""The call in two browsers with a real LiveKit: what passes through it, and a LiveKit that is killed.

The rest of the app knows nothing of the engine; its tests run with the embedded media.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from appointments import Clinic, load_tutorial_data
from callclock import StreamClient
from callclock_server.testing import running_server
from callclock_server.testing.livekit import LiveKit, demand_livekit
from conftest import APP
from test_call import (  # noqa: F401 - the tests themselves
    MEDIA_IS_MOVING,
    Couple,
    test_call_ends_at_zero_in_both_pages_and_stays_over,
    test_leaving_is_one_press_and_the_way_back_is_offered,
    test_muting_is_seen_by_the_other_and_by_keyboard_alone,
    test_pictures_and_sound_arrive_in_both_browsers,
)


@pytest.fixture(scope="module")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> LiveKit:
    demand_livekit()
    return LiveKit(tmp_path_factory.mktemp("livekit"))


@pytest.fixture(scope="module")
def clinic(livekit: LiveKit) -> Iterator[Clinic]:
    """A server with the tutorial's data and the built app, and LiveKit beside it."""
    if not (APP / "index.html").is_file():
        pytest.fail("The app is not built. Build it with `make web`.")
    with (
        running_server(web_dir=APP, **livekit.settings) as server,
        StreamClient(server.api_key, server.secret, base_url=server.url) as client,
    ):
        livekit.webhooks = [f"{server.url}/v1/media/webhook"]
        load_tutorial_data(client)
        with livekit:
            yield Clinic(client, server.url)


def test_pictures_come_back_after_livekit_was_killed(
    clinic: Clinic, couple: Couple, livekit: LiveKit
) -> None:
    appointment = clinic.appointment(seconds=600)
    doctor, patient = couple(appointment)
    for someone in (doctor, patient):
        someone.page.wait_for_function(MEDIA_IS_MOVING, arg={"frames": 0, "audioPackets": 0})
    deadline = appointment.ends_at()
    livekit.kill()
    livekit.start()
    for someone in (doctor, patient):
        someone.page.wait_for_function(MEDIA_IS_MOVING, arg=someone.received_media(), timeout=30_000)
        someone.complaints.clear()  # the pages may tell the console of the connection that they lost
    assert appointment.ends_at() == deadline
