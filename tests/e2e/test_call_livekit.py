"""The app in two browsers with a real LiveKit: every test of it again, and a LiveKit that is killed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from appointments import Clinic, load_tutorial_data
from callclock import StreamClient
from callclock_server.testing import running_server
from callclock_server.testing.livekit import LiveKit, demand_livekit
from conftest import APP
from test_before_the_call import *  # noqa: F403 - the tests themselves, here on another clinic
from test_call import *  # noqa: F403
from test_call import MEDIA_IS_MOVING, Couple
from test_clock import *  # noqa: F403
from test_rules import *  # noqa: F403


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
