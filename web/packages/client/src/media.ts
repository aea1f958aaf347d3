import type { Room } from 'livekit-client';
import type { CallSettings, MediaResponse } from './wire.js';

/** On or off, or on with a certain device. */
export type DeviceChoice = boolean | { deviceId: string };

/** What to start with; a device not named follows the call's settings. */
export interface DeviceChoices {
  microphone?: DeviceChoice | undefined;
  camera?: DeviceChoice | undefined;
  speakerDeviceId?: string | undefined;
}

export type DeviceKind = 'microphone' | 'camera';

/** Why the media room let go of us: `lost` is the network's doing and worth another try. */
export type MediaLoss = 'joined-elsewhere' | 'removed' | 'room-closed' | 'lost';

export interface MediaListener {
  reconnecting(): void;
  reconnected(): void;
  disconnected(loss: MediaLoss): void;
  /** A device would not start (undefined: it did). The call goes on without it. */
  deviceChanged(kind: DeviceKind, failure: Error | undefined): void;
}

export interface MediaRequest {
  media: MediaResponse;
  settings: CallSettings;
  ownCapabilities: readonly string[];
  devices: DeviceChoices;
  listener: MediaListener;
}

export interface MediaConnection {
  readonly room: Room;
  /** The devices as they are now, so that a reconnect can start with the same. */
  devices(): DeviceChoices;
  disconnect(): Promise<void>;
}

/** The seam to the media: `connectLiveKit`, or what a test puts in its place. */
export type ConnectMedia = (request: MediaRequest) => Promise<MediaConnection>;
