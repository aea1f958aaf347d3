"""The whole path with a real WebRTC client over loopback: ICE, DTLS, SRTP, SCTP, forwarding."""

import asyncio

import pytest
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack


async def test_client_connects_and_its_leaving_is_noticed(new_client, soon):
    client = new_client()
    client.pc.createDataChannel("_reliable")
    await client.connect()
    assert client.states == ["connected"]

    await client.pc.close()

    await soon(client.gone.wait())
    assert client.states == ["connected", "closed"]


async def test_wrong_fingerprint_is_refused(new_client, soon):
    client = new_client()
    client.pc.createDataChannel("_reliable")
    connecting = asyncio.create_task(client.connect())
    set_remote = client.peer.set_remote

    def forged(**description):
        set_remote(**{**description, "fingerprint": "sha-256 " + ":".join(["AA"] * 32)})

    client.peer.set_remote = forged
    await soon(client.gone.wait())
    assert client.states == ["closed"]
    connecting.cancel()


async def test_data_travels_both_ways_on_a_channel_of_the_client(new_client, soon):
    client = new_client()
    channel = client.pc.createDataChannel("_lossy", ordered=False, maxRetransmits=0)
    answers: asyncio.Queue[bytes] = asyncio.Queue()
    channel.on("message", answers.put_nowait)
    await client.connect()

    assert await soon(client.channels.get()) == "_lossy"
    channel.send(b"from the client")
    assert await soon(client.data.get()) == ("_lossy", b"from the client")
    assert client.peer.send_data("_lossy", b"from the server")
    assert await soon(answers.get()) == b"from the server"
    assert not client.peer.send_data("unknown", b"x")


async def test_server_opens_channels_and_sends_big_messages(new_client, soon):
    client = new_client()
    client.pc.createDataChannel("anything")
    opened: asyncio.Queue[object] = asyncio.Queue()
    messages: asyncio.Queue[bytes] = asyncio.Queue()

    @client.pc.on("datachannel")
    def adopt(channel):
        channel.on("message", messages.put_nowait)
        opened.put_nowait(channel)

    client.peer.open_channel("_reliable", ordered=True, max_retransmits=None)
    await client.connect()
    channel = await soon(opened.get())
    assert channel.label == "_reliable"
    while await soon(client.channels.get()) != "_reliable":
        pass
    payload = bytes(range(256)) * 200
    assert client.peer.send_data("_reliable", payload)
    assert await soon(messages.get()) == payload


@pytest.mark.parametrize(("kind", "track"), [("audio", AudioStreamTrack), ("video", VideoStreamTrack)])
async def test_media_of_one_client_is_decoded_by_the_other(new_client, soon, kind, track):
    sender, viewer = new_client(), new_client()
    sender.pc.addTrack(track())
    viewer.pc.addTransceiver(kind, direction="recvonly")
    frames: asyncio.Queue[object] = asyncio.Queue()
    viewer.pc.on("track", frames.put_nowait)
    seen = asyncio.Event()

    await sender.connect()
    up = sender.receive("0", on_media=seen.set)
    await soon(seen.wait())
    await viewer.connect(ssrcs={"0": 4000})
    down = viewer.peer.send(up, viewer.send_spec("0", ssrc=4000))

    received = await soon(frames.get())
    for _ in range(5):
        frame = await soon(received.recv())
    assert frame.pts > 0
    if kind == "video":
        assert (frame.width, frame.height) == (640, 480)
    assert down.current_quality is not None
    assert viewer.peer.stats().packets_out > 5
    viewer.peer.stop_sending(down)
    sender.peer.stop_receiving(up)
