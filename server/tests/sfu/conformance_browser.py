"""livekit-client in a real Chromium, in both signalling modes: what holds for either engine.

Collected by `test_browser.py` and `test_browser_livekit.py`, two modules, so that they run side by side; each
brings its `site`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import pytest_asyncio
from livekit import api
from livekit.protocol.models import DisconnectReason, ParticipantPermission
from playwright.async_api import Browser

from .browsing import Tab, chromium, tabs
from .running import Running, token

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CAMERA = (
    "room.localParticipant.setCameraEnabled(true, {resolution: {width: 640, height: 360, frameRate: 15}},"
    " {simulcast: false})"
)
MICROPHONE = "room.localParticipant.setMicrophoneEnabled(true)"
TONE = "room.localParticipant.publishTrack(steadyTone(), {source: 'microphone'})"
SHARE = (
    "room.localParticipant.publishTrack(movingPicture(800, 600), {source: 'screen_share', simulcast: false})"
)
UNSHARE = (
    "room.localParticipant.unpublishTrack(room.localParticipant.getTrackPublication('screen_share').track)"
)
BIG_CAMERA = (
    "room.localParticipant.setCameraEnabled(true, {resolution: {width: 1280, height: 720, frameRate: 15}},"
    " {simulcast: true})"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture(params=["v1", "v0"])
def options(request: pytest.FixtureRequest) -> dict[str, bool]:
    return {"singlePeerConnection": request.param == "v1"}


@pytest.fixture
def room_name(request: pytest.FixtureRequest) -> str:
    return request.node.name


Open = Callable[..., AbstractAsyncContextManager[list[Tab]]]


@pytest.fixture
def pages(browser: Browser, site: Running, room_name: str, options: dict[str, bool]) -> Open:
    """Opens tabs and joins one participant in each: ann, bob, cat."""

    @asynccontextmanager
    async def opened(*identities: str, **more: object) -> AsyncIterator[list[Tab]]:
        await site.create_room(room_name)
        async with tabs(browser, site, len(identities)) as found:
            for tab, identity in zip(found, identities, strict=True):
                if identity:
                    await tab.join(token(identity, room=room_name), **options, **more)
            yield found

    return opened


async def test_two_pages_see_and_hear_each_other(pages: Open) -> None:
    async with pages("ann", "bob") as (ann, bob):
        for tab in (ann, bob):
            await tab.run(CAMERA)
            await tab.run(MICROPHONE)
        for tab, other in ((ann, "bob"), (bob, "ann")):
            await tab.until(
                f"seen('trackSubscribed', '{other}/camera') && seen('trackSubscribed', '{other}/microphone')"
            )
            await tab.until_more_frames(other)
            await tab.until_more_audio(other)


async def test_late_joiner_gets_what_is_published_already(
    pages: Open, room_name: str, options: dict[str, bool]
) -> None:
    async with pages("ann", "") as (ann, bob):
        await ann.run(CAMERA)
        await ann.run(MICROPHONE)
        await bob.join(token("bob", room=room_name), **options)
        await bob.until("seen('trackSubscribed', 'ann/camera')")
        await bob.until_more_frames("ann")
        await bob.until_more_audio("ann")


async def test_mute_stops_the_picture_and_unmute_brings_it_back(pages: Open) -> None:
    async with pages("ann", "bob") as (ann, bob):
        await ann.run(CAMERA)
        await bob.until("seen('trackSubscribed', 'ann/camera')")
        await bob.until_more_frames("ann")
        await ann.run("room.localParticipant.setCameraEnabled(false)")
        await bob.until("seen('trackMuted', 'ann/camera') && publication('ann', 'camera').isMuted")
        await ann.run("room.localParticipant.setCameraEnabled(true)")
        await bob.until("seen('trackUnmuted', 'ann/camera')")
        await bob.until_more_frames("ann")


async def test_leaving_page_is_reported_at_once(pages: Open) -> None:
    async with pages("ann", "bob") as (ann, bob):
        await ann.run(MICROPHONE)
        await bob.until("seen('trackSubscribed', 'ann/microphone')")
        await ann.run("room.disconnect()")
        await bob.until("seen('participantDisconnected', 'ann')", timeout_ms=1000)
        await bob.until("seen('trackUnsubscribed', 'ann/microphone')", timeout_ms=1000)


async def test_screen_share_arrives_beside_the_camera(pages: Open) -> None:
    async with pages("ann", "bob") as (ann, bob):
        await ann.run(CAMERA)
        await ann.run(SHARE)
        await bob.until("seen('trackSubscribed', 'ann/screen_share')")
        await bob.until_more_frames("ann", "screen_share")
        await bob.until_more_frames("ann")
        await bob.until("await width('ann', 'screen_share') === 800")
        await ann.run(UNSHARE)
        await bob.until("seen('trackUnpublished', 'ann/screen_share')", timeout_ms=2000)
        await bob.until_more_frames("ann")


async def test_republished_tracks_reuse_freed_sections(pages: Open) -> None:
    async with pages("ann", "bob") as (ann, bob):
        for _ in range(3):
            await ann.run(SHARE)
            await bob.until("await decoded('ann', 'screen_share') > 5")
            await ann.run(UNSHARE)
            await bob.until("publication('ann', 'screen_share') === undefined")


async def test_subscriber_chooses_between_simulcast_layers(pages: Open) -> None:
    async with pages("ann", "bob") as (ann, bob):
        await ann.run(BIG_CAMERA)
        await bob.until("await width('ann', 'camera') === 1280", timeout_ms=40_000)
        await bob.run("publication('ann', 'camera').setVideoQuality(LK.VideoQuality.LOW)")
        await bob.until("await width('ann', 'camera') === 320")
        await bob.until_more_frames("ann")
        await bob.run("publication('ann', 'camera').setVideoQuality(LK.VideoQuality.HIGH)")
        await bob.until("await width('ann', 'camera') === 1280")
        await bob.until_more_frames("ann")


async def test_adaptive_stream_follows_the_size_of_the_element(pages: Open) -> None:
    async with pages("ann", "bob", adaptiveStream=True) as (ann, bob):
        await ann.run(BIG_CAMERA)
        await bob.until("publication('ann', 'camera').track !== undefined")
        await bob.run("show('ann', 'camera', {width: 160, height: 90})")
        await bob.until("await width('ann', 'camera') === 320")
        await bob.run("show('ann', 'camera', {width: 1200, height: 675})")
        await bob.until("await width('ann', 'camera') === 1280", timeout_ms=40_000)
        await bob.until_more_frames("ann")


async def test_speakers_are_told_and_stop_when_muted(pages: Open) -> None:
    async with pages("ann", "bob") as (ann, bob):
        # The fake microphone's short beeps are nobody's speech to LiveKit.
        await ann.run(TONE)
        await bob.until("seen('speakers', 'ann')")
        await ann.run("room.localParticipant.setMicrophoneEnabled(false)")
        await bob.until("room.activeSpeakers.length === 0")


async def test_messages_pass_in_both_directions_and_kinds(pages: Open) -> None:
    async with pages("ann", "bob") as (ann, bob):
        for tab in (ann, bob):  # LiveKit passes messages on before it has announced their sender
            await tab.until("room.remoteParticipants.size === 1")
        await ann.run("message('reliable', {reliable: true})")
        await bob.until("messages.some(([from, text]) => from === 'ann' && text === 'reliable')")
        await bob.run("message('lossy', {reliable: false})")
        await ann.until("messages.some(([from, text]) => from === 'bob' && text === 'lossy')")


@pytest.mark.parametrize("scenario", ["signal-reconnect", "full-reconnect"])
async def test_page_recovers_from_a_lost_connection(pages: Open, scenario: str) -> None:
    async with pages("ann", "bob") as (ann, bob):
        for tab in (ann, bob):
            await tab.run(CAMERA)
        await ann.until_more_frames("bob")
        await bob.until_more_frames("ann")
        await bob.run(f"room.simulateScenario('{scenario}')")
        await bob.until("seen('reconnected')")
        await bob.until_more_frames("ann")
        await ann.until_more_frames("bob")
        await ann.run(MICROPHONE)
        await bob.until_more_audio("ann")


async def test_deleting_the_room_ends_the_call_within_200_ms(
    pages: Open, site: Running, room_name: str
) -> None:
    async with pages("ann", "bob") as opened, site.api() as client:
        began = await opened[0].run("Date.now()")
        await client.room.delete_room(api.DeleteRoomRequest(room=room_name))
        for tab in opened:
            await tab.until(f"seen('disconnected', {DisconnectReason.ROOM_DELETED})", timeout_ms=2000)
            ended = await tab.run("performance.timeOrigin + events.find(([n]) => n === 'disconnected')[2]")
            assert ended - began < 200


async def test_lost_permission_cuts_the_camera_and_its_return_allows_it_again(
    pages: Open, site: Running, room_name: str
) -> None:
    async with pages("ann", "bob") as (ann, bob), site.api() as client:
        await ann.run(CAMERA)
        await bob.until_more_frames("ann")
        await client.room.update_participant(permission(room_name, can_publish=False))
        await bob.until("publication('ann', 'camera') === undefined", timeout_ms=1000)
        await ann.until("seen('localTrackUnpublished', 'camera')", timeout_ms=1000)
        await client.room.update_participant(permission(room_name, can_publish=True))
        await ann.until("room.localParticipant.permissions.canPublish")
        await ann.run(CAMERA)
        await bob.until("await decoded('ann', 'camera') > 10")


def permission(room: str, *, can_publish: bool) -> api.UpdateParticipantRequest:
    allowed = ParticipantPermission(can_publish=can_publish, can_subscribe=True, can_publish_data=True)
    return api.UpdateParticipantRequest(room=room, identity="ann", permission=allowed)


async def test_refused_join_tells_the_page_why(
    browser: Browser, site: Running, options: dict[str, bool]
) -> None:
    script = (
        "([url, token, options]) => join(url, token, options)"
        ".catch((error) => [LK.ConnectionErrorReason[error.reason], error.message])"
    )
    async with tabs(browser, site, 1) as (tab,):
        missing = token("ann", room="no-such-room")
        outcome = await tab.page.evaluate(script, [site.url, missing, options])
        assert outcome[0] == "NotAllowed"
        assert "requested room does not exist" in outcome[1]
        await site.create_room("guarded")
        forged = token("ann", room="guarded", secret="another-secret-of-at-least-32-bytes!")
        outcome = await tab.page.evaluate(script, [site.url, forged, options])
        assert outcome[0] == "NotAllowed"
        assert re.search("invalid (authorization )?token", outcome[1])
