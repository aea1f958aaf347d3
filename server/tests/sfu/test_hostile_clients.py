"""Clients that break the rules: they are closed or ignored, and nobody else notices."""

from __future__ import annotations

import gzip
import random
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from callclock_server.sfu import SignalLimits
from livekit.protocol import rtc
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .fakes import audio, data, offer_sdp, video
from .native import natives
from .running import Running, running, token
from .signalling import Raw

LIMITS = SignalLimits(max_message_bytes=64 * 1024, messages_per_second=50, burst_messages=100)


@pytest.fixture
async def site() -> AsyncIterator[Running]:
    async with running(limits=LIMITS) as started:
        await started.create_room()
        await started.create_room("attacked")
        yield started


@asynccontextmanager
async def undisturbed_call(site: Running) -> AsyncIterator[None]:
    """Two participants of another room whose picture and data must go on, before and after."""
    async with natives(2, single_connection=True) as (ann, bob):
        await ann.join(site.url, token("ann"))
        await bob.join(site.url, token("bob"))
        await ann.publish_video()
        await bob.until_more("frame ann/camera")
        yield
        await ann.room.local_participant.publish_data(b"still here", reliable=True)
        await bob.until_seen("data")
        await bob.until_more("frame ann/camera")
        assert ann.disconnect_reason is None
        assert bob.disconnect_reason is None


def attacker() -> str:
    return token("mallory", room="attacked")


async def test_every_attack_leaves_another_call_alone(site: Running) -> None:
    async with undisturbed_call(site):
        for attack in (oversized, text_frame, garbage, flood, broken_offers, noise):
            await attack(site)


async def oversized(site: Running) -> None:
    async with Raw.joined(site, attacker()) as raw:
        await raw.connection.send(b"\x0a" + b"x" * (LIMITS.max_message_bytes + 1))
        assert await raw.until_closed() == 1009


async def text_frame(site: Running) -> None:
    async with Raw.joined(site, attacker()) as raw:
        await raw.connection.send("hello")
        assert await raw.until_closed() == 1003


async def garbage(site: Running) -> None:
    async with Raw.joined(site, attacker()) as raw:
        await raw.connection.send(b"\xff\xff\xff\xff")
        assert await raw.until_closed() == 1002


async def flood(site: Running) -> None:
    async with Raw.joined(site, attacker()) as raw:
        message = rtc.SignalRequest(ping=1).SerializeToString()
        try:
            for _ in range(LIMITS.burst_messages * 3):
                await raw.connection.send(message)
        except ConnectionClosed:
            pass
        assert await raw.until_closed() == 1008


async def broken_offers(site: Running) -> None:
    whole = offer_sdp(audio("0", "sendonly", track="a"), video("1"), data("2"))
    broken = [
        "",
        "m=",
        whole[: len(whole) // 2].replace("ice-pwd", "pwd"),
        whole.replace("fingerprint:sha-256", "fingerprint:md9"),
        whole.replace("a=mid:1", "a=mid:"),
        whole.replace("opus/48000/2", "opus/0x10/2"),
        whole * 40,
    ]
    for sdp in broken:
        async with Raw.joined(site, attacker()) as raw:
            await raw.send(offer={"type": "offer", "sdp": sdp, "id": 1})
            await raw.send(ping=1)
            assert await raw.until_closed() in (1002, 1009)


async def noise(site: Running) -> None:
    """Valid messages with mutated bytes: whatever they mean, the server goes on."""
    chance = random.Random(20261123)
    seeds = [
        rtc.SignalRequest(offer={"type": "offer", "sdp": offer_sdp(video("1"), data("2")), "id": 1}),
        rtc.SignalRequest(add_track={"cid": "c", "type": 1, "source": 1, "layers": [{"width": 640}]}),
        rtc.SignalRequest(mute={"sid": "TR_x", "muted": True}),
        rtc.SignalRequest(track_setting={"track_sids": ["TR_x"], "quality": 2}),
        rtc.SignalRequest(sync_state={"subscription": {"track_sids": ["TR_x"]}}),
        rtc.SignalRequest(update_metadata={"metadata": "m", "request_id": 3}),
        rtc.SignalRequest(subscription_permission={"track_permissions": [{"participant_sid": "PA_x"}]}),
    ]
    for _ in range(40):
        async with Raw.joined(site, attacker()) as raw:
            try:
                for seed in seeds:
                    mutated = bytearray(seed.SerializeToString())
                    for _ in range(3):
                        mutated[chance.randrange(len(mutated))] = chance.randrange(256)
                    await raw.connection.send(bytes(mutated[: chance.randrange(1, len(mutated) + 1)]))
            except ConnectionClosed:
                continue


async def test_unknown_messages_are_ignored(site: Running) -> None:
    async with Raw.joined(site, attacker()) as raw:
        await raw.connection.send(b"")
        await raw.connection.send(b"\xc2\x3e\x02\x08\x01")  # field 1000, which no protocol version has
        await raw.send(simulate={"node_failure": True})
        await raw.send(mute={"sid": "TR_nobody", "muted": True})
        await raw.send(trickle={"candidateInit": "not json"})
        await raw.send(answer={"type": "answer", "sdp": "late", "id": 4711})
        await raw.send(ping_req={"timestamp": 42})
        assert (await raw.receive("pong_resp")).pong_resp.last_ping_timestamp == 42


async def test_requests_beyond_the_limits_are_refused(site: Running) -> None:
    async with Raw.joined(site, attacker()) as raw:
        wrong = [
            {"cid": ""},
            {"cid": "c" * 300},
            {"cid": "c", "layers": [{"width": 1}] * 100},
            {"cid": "c", "type": 2},
        ]
        for request in wrong:
            await raw.send(add_track=request)
            answer = (await raw.receive("track_published", "request_response")).request_response
            assert answer.reason != rtc.RequestResponse.Reason.OK
        for number in range(40):
            await raw.send(add_track={"cid": str(number), "source": 2})
        reasons = [(await raw.receive("track_published", "request_response")) for _ in range(40)]
        assert sum(reason.WhichOneof("message") == "track_published" for reason in reasons) == 32


async def test_metadata_is_changed_only_with_the_grant_and_within_limits(site: Running) -> None:
    outcome = rtc.RequestResponse.Reason
    cases = [(False, "m", outcome.NOT_ALLOWED), (True, "x" * 65_000, outcome.OK)]
    for granted, metadata, expected in cases:
        bearer = token("mallory", room="attacked", can_update_own_metadata=granted)
        async with Raw.joined(site, bearer) as raw:
            await raw.send(update_metadata={"metadata": metadata[:60_000], "request_id": 5})
            answer = (await raw.receive("request_response")).request_response
            assert (answer.request_id, answer.reason) == (5, expected)


@pytest.mark.parametrize(
    "parameter",
    [
        "",
        "!!!!",
        urlsafe_b64encode(b"\xff\xff").decode(),
        urlsafe_b64encode(
            rtc.WrappedJoinRequest(
                compression=rtc.WrappedJoinRequest.Compression.GZIP, join_request=b"not gzip"
            ).SerializeToString()
        ).decode(),
        urlsafe_b64encode(
            rtc.WrappedJoinRequest(
                compression=rtc.WrappedJoinRequest.Compression.GZIP,
                join_request=gzip.compress(bytes(3_000_000)),
            ).SerializeToString()
        ).decode(),
    ],
)
async def test_broken_join_request_is_a_bad_request(site: Running, parameter: str) -> None:
    query = f"access_token={attacker()}&join_request={parameter}"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{site.url}/rtc/v1?{query}"):
            pass
    assert refused.value.response.status_code == 400
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{site.http_url}/rtc/v1/validate?{query}")).status_code == 400


async def test_resume_of_an_unknown_participant_asks_for_a_full_join(site: Running) -> None:
    async with Raw.joined(site, attacker(), query="&reconnect=1&sid=PA_unknown") as raw:
        leave = raw.seen[0].leave
        assert leave.action == rtc.LeaveRequest.Action.RECONNECT
        assert await raw.until_closed() == 1000


async def test_participant_is_not_resumed_with_another_identitys_token(site: Running) -> None:
    async with Raw.joined(site, attacker()) as raw:
        sid = raw.joined_as.sid
        other = token("eve", room="attacked")
        async with Raw.joined(site, other, query=f"&reconnect=1&sid={sid}") as thief:
            assert thief.seen[0].WhichOneof("message") == "leave"
        await raw.send(ping_req={"timestamp": 1})
        await raw.receive("pong_resp")


async def test_resume_replaces_the_old_socket_and_tells_everything_anew(site: Running) -> None:
    async with Raw.joined(site, attacker()) as raw:
        sid = raw.joined_as.sid
        query = f"&reconnect=1&sid={sid}"
        async with Raw.joined(site, attacker(), query=query) as again:
            assert again.seen[0].WhichOneof("message") == "reconnect"
            told = (await again.receive("update")).update.participants
            assert [participant.sid for participant in told] == [sid]
            assert (await again.receive("room_update")).room_update.room.name == "attacked"
            assert (await again.receive("offer")).offer.id == 2
            assert await raw.until_closed() == 1000
            await again.send(sync_state={"publish_tracks": [{"track": {"sid": "TR_lost"}}]})
            assert (await again.receive("leave")).leave.action == rtc.LeaveRequest.Action.RECONNECT
