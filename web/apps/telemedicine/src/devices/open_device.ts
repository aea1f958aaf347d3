export type PreviewKind = 'camera' | 'microphone';

let asking: Promise<MediaStream> | undefined;

/** One question for both devices instead of two: whoever asks while it is open shares the answer. */
function askForBoth(): Promise<MediaStream> {
  asking ??= navigator.mediaDevices.getUserMedia({ audio: true, video: true }).finally(() => {
    asking = undefined;
  });
  return asking;
}

/** Opens a device; rejects with the browser's own error, which tells refused, missing and in use apart. */
export async function openDevice(
  kind: PreviewKind,
  options: { deviceId?: string | undefined; together: boolean },
): Promise<MediaStreamTrack> {
  if (options.together) {
    try {
      return trackOf(await askForBoth(), kind);
    } catch {
      // One of the two is not to be had. Asked for alone, each says for itself.
    }
  }
  const wanted = options.deviceId === undefined ? true : { deviceId: { exact: options.deviceId } };
  const constraints = kind === 'camera' ? { video: wanted } : { audio: wanted };
  return trackOf(await navigator.mediaDevices.getUserMedia(constraints), kind);
}

function trackOf(stream: MediaStream, kind: PreviewKind): MediaStreamTrack {
  const [track] = kind === 'camera' ? stream.getVideoTracks() : stream.getAudioTracks();
  if (track === undefined) throw new DOMException('the stream has no such track', 'NotFoundError');
  return track;
}
