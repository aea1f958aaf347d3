"""Participants with LiveKit's native Python SDK: generated picture and sound, signals to wait on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from livekit import rtc

WAIT_SECONDS = 15.0
WIDTH, HEIGHT = 320, 180


class Native:
    """One SDK room. `happened` counts what was seen; `until` waits on it."""

    def __init__(self, *, single_connection: bool) -> None:
        self.room = rtc.Room()
        self.happened: dict[str, int] = {}
        self.data: list[tuple[str, bytes]] = []
        self.disconnect_reason: int | None = None
        self._options = rtc.RoomOptions(single_peer_connection=single_connection)
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        for event in ("participant_connected", "participant_disconnected"):
            self.room.on(event, self._counting(event, lambda p: p.identity))
        for event in ("track_published", "track_unpublished"):
            self.room.on(event, self._counting(event, lambda pub, p: f"{p.identity}/{pub.name}"))
        for event in ("track_muted", "track_unmuted"):
            self.room.on(event, self._counting(event, lambda p, pub: f"{p.identity}/{pub.name}"))
        self.room.on("track_unsubscribed", self._counting("track_unsubscribed", lambda t, pub, p: pub.name))
        self.room.on("room_metadata_changed", self._counting("metadata", lambda old, new: new))
        self.room.on("track_subscribed", self._on_track)
        self.room.on("data_received", self._on_data)
        self.room.on("disconnected", self._on_disconnected)
        self.room.on("token_refreshed", self._counting("token_refreshed", lambda: ""))

    async def join(self, url: str, token: str) -> None:
        await self.room.connect(url, token, self._options)

    async def publish_microphone(self) -> Any:
        source = rtc.AudioSource(48000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await self.room.local_participant.publish_track(track, options)
        self._tasks.append(asyncio.create_task(_sound(source)))
        return publication

    async def publish_video(self, name: str = "camera", *, source: int | None = None) -> Any:
        pictures = rtc.VideoSource(WIDTH, HEIGHT)
        track = rtc.LocalVideoTrack.create_video_track(name, pictures)
        chosen = rtc.TrackSource.SOURCE_CAMERA if source is None else source
        options = rtc.TrackPublishOptions(source=chosen, simulcast=False)
        publication = await self.room.local_participant.publish_track(track, options)
        self._tasks.append(asyncio.create_task(_picture(pictures)))
        return publication

    def count(self, key: str) -> int:
        return self.happened.get(key, 0)

    async def until(self, condition: Callable[[], bool], *, seconds: float = WAIT_SECONDS) -> None:
        """Wait until a condition on what happened holds."""
        async with _patience(seconds, self.happened):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_seen(self, key: str, *, seconds: float = WAIT_SECONDS) -> None:
        await self.until(lambda: self.count(key) > 0, seconds=seconds)

    async def until_more(self, key: str, *, by: int = 10, seconds: float = WAIT_SECONDS) -> None:
        """Wait until a counter (frames of a track, for instance) advanced."""
        start = self.count(key)
        await self.until(lambda: self.count(key) >= start + by, seconds=seconds)

    async def until_still(
        self, key: str, *, still_seconds: float = 0.5, seconds: float = WAIT_SECONDS
    ) -> None:
        """Wait until a counter has not advanced for a while."""
        async with _patience(seconds, self.happened):
            seen = -1
            while self.count(key) != seen:
                seen = self.count(key)
                await asyncio.sleep(still_seconds)

    async def until_disconnected(self, *, seconds: float = WAIT_SECONDS) -> None:
        await self.until(lambda: self.disconnect_reason is not None, seconds=seconds)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()

    def _note(self, key: str) -> None:
        self.happened[key] = self.count(key) + 1
        self._changed.set()

    def _counting(self, event: str, naming: Callable[..., str]) -> Callable[..., None]:
        return lambda *arguments: self._note(f"{event} {naming(*arguments)}".strip())

    def _on_track(self, track: Any, publication: Any, participant: Any) -> None:
        key = f"{participant.identity}/{publication.name}"
        self._note(f"track_subscribed {key}")
        self._tasks.append(asyncio.create_task(self._consume(track, key)))

    async def _consume(self, track: Any, key: str) -> None:
        video = track.kind == rtc.TrackKind.KIND_VIDEO
        stream = rtc.VideoStream(track) if video else rtc.AudioStream(track)
        try:
            async for _ in stream:
                self._note(f"frame {key}")
        finally:
            await stream.aclose()

    def _on_data(self, packet: Any) -> None:
        self.data.append((packet.participant.identity if packet.participant else "", packet.data))
        self._note("data")

    def _on_disconnected(self, reason: int) -> None:
        self.disconnect_reason = reason
        self._note("disconnected")


@asynccontextmanager
async def natives(count: int, *, single_connection: bool) -> AsyncIterator[list[Native]]:
    """That many SDK rooms, closed in the end."""
    opened = [Native(single_connection=single_connection) for _ in range(count)]
    try:
        yield opened
    finally:
        await asyncio.gather(*(native.close() for native in opened))


async def _sound(source: rtc.AudioSource) -> None:
    wave = (8000 * np.sin(np.arange(480) * 0.06)).astype(np.int16)
    while True:
        frame = rtc.AudioFrame.create(48000, 1, 480)
        np.frombuffer(frame.data, np.int16)[:] = wave
        await source.capture_frame(frame)


async def _picture(source: rtc.VideoSource) -> None:
    step = 0
    while True:
        step += 1
        image = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        image[:, :, 0] = step % 255
        image[(step * 5) % HEIGHT :, :, 1] = 200
        kind = rtc.VideoBufferType.RGBA
        source.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, kind, image.tobytes()))
        await asyncio.sleep(0.04)


@asynccontextmanager
async def _patience(seconds: float, happened: dict[str, int]) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as exc:
        raise AssertionError(f"did not happen within {seconds} s; seen: {happened}") from exc
