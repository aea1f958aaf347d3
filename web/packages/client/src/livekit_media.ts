import type { DisconnectReason, LocalParticipant, Room, RoomOptions } from 'livekit-client';
import { OwnCapability } from './capabilities.js';
import type { DeviceChoice, DeviceChoices, DeviceKind, MediaConnection, MediaLoss, MediaRequest } from './media.js';

type LiveKit = typeof import('livekit-client');

/** Enters the media room. `livekit-client` is loaded here and nowhere else, so that Node never loads it. */
export async function connectLiveKit(request: MediaRequest): Promise<MediaConnection> {
  const livekit = await import('livekit-client');
  const room = new livekit.Room(roomOptions(request));
  const connection = new LiveKitConnection(livekit, room, request);
  await room.connect(request.media.url, request.media.token);
  void connection.startDevices();
  return connection;
}

function roomOptions({ settings, devices }: MediaRequest): RoomOptions {
  const { width, height, bitrate } = settings.video.target_resolution;
  return {
    adaptiveStream: true,
    dynacast: true,
    videoCaptureDefaults: {
      resolution: { width, height, frameRate: 30 },
      facingMode: settings.video.camera_facing === 'back' ? 'environment' : 'user',
      ...deviceId(devices.camera),
    },
    audioCaptureDefaults: { echoCancellation: true, noiseSuppression: true, ...deviceId(devices.microphone) },
    publishDefaults: { videoEncoding: { maxBitrate: bitrate, maxFramerate: 30 } },
    ...(devices.speakerDeviceId === undefined ? {} : { audioOutput: { deviceId: devices.speakerDeviceId } }),
  };
}

class LiveKitConnection implements MediaConnection {
  readonly room: Room;
  readonly #request: MediaRequest;
  #on: Record<DeviceKind, boolean>;

  constructor(livekit: LiveKit, room: Room, request: MediaRequest) {
    this.room = room;
    this.#request = request;
    this.#on = wantedDevices(request);
    this.#listen(livekit);
  }

  /** Starts what was chosen and is allowed; a refused camera is told, not thrown: the call goes on. */
  async startDevices(): Promise<void> {
    const local = this.room.localParticipant;
    await Promise.all([
      this.#start('microphone', () => local.setMicrophoneEnabled(true)),
      this.#start('camera', () => local.setCameraEnabled(true)),
    ]);
  }

  devices(): DeviceChoices {
    return {
      microphone: chosen(this.#on.microphone, this.#request.devices.microphone),
      camera: chosen(this.#on.camera, this.#request.devices.camera),
      speakerDeviceId: this.#request.devices.speakerDeviceId,
    };
  }

  async disconnect(): Promise<void> {
    this.room.removeAllListeners();
    await this.room.disconnect(true);
  }

  async #start(kind: DeviceKind, enable: () => Promise<unknown>): Promise<void> {
    if (!this.#on[kind]) return;
    try {
      await enable();
      this.#request.listener.deviceChanged(kind, undefined);
    } catch (thrown) {
      this.#on[kind] = false;
      this.#request.listener.deviceChanged(kind, thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  #listen({ RoomEvent, ParticipantEvent, ConnectionState, DisconnectReason }: LiveKit): void {
    const { listener } = this.#request;
    const { localParticipant } = this.room;
    this.room
      .on(RoomEvent.Reconnecting, () => {
        listener.reconnecting();
      })
      .on(RoomEvent.Reconnected, () => {
        listener.reconnected();
      })
      .on(RoomEvent.Disconnected, (reason) => {
        listener.disconnected(lossOf(reason, DisconnectReason));
      });
    const remember = () => {
      if (this.room.state === ConnectionState.Connected) this.#on = enabledDevices(localParticipant);
    };
    localParticipant
      .on(ParticipantEvent.LocalTrackPublished, remember)
      .on(ParticipantEvent.TrackMuted, remember)
      .on(ParticipantEvent.TrackUnmuted, remember);
  }
}

function enabledDevices(local: LocalParticipant): Record<DeviceKind, boolean> {
  return { microphone: local.isMicrophoneEnabled, camera: local.isCameraEnabled };
}

function wantedDevices({ settings, ownCapabilities, devices }: MediaRequest): Record<DeviceKind, boolean> {
  const can = (capability: string) => ownCapabilities.includes(capability);
  const microphone = devices.microphone ?? settings.audio.mic_default_on;
  const camera = devices.camera ?? settings.video.camera_default_on;
  return {
    microphone: microphone !== false && can(OwnCapability.SEND_AUDIO),
    camera: camera !== false && settings.video.enabled && can(OwnCapability.SEND_VIDEO),
  };
}

function chosen(on: boolean, before: DeviceChoice | undefined): DeviceChoice {
  return on && typeof before === 'object' ? before : on;
}

function deviceId(choice: DeviceChoice | undefined): { deviceId?: string } {
  return typeof choice === 'object' ? { deviceId: choice.deviceId } : {};
}

function lossOf(reason: DisconnectReason | undefined, reasons: typeof DisconnectReason): MediaLoss {
  if (reason === reasons.DUPLICATE_IDENTITY) return 'joined-elsewhere';
  if (reason === reasons.PARTICIPANT_REMOVED) return 'removed';
  if (reason === reasons.ROOM_DELETED || reason === reasons.ROOM_CLOSED) return 'room-closed';
  return 'lost';
}
