import type { DeviceKind } from '@callclock/client';
import { type LocalTrack, createLocalAudioTrack, createLocalVideoTrack } from 'livekit-client';
import { useEffect, useState } from 'react';

export interface DevicePreview {
  kind: DeviceKind;
  isOn: boolean;
  setOn: (on: boolean) => void;
  deviceId: string | undefined;
  setDeviceId: (deviceId: string) => void;
  track: LocalTrack | undefined;
  /** Why the device would not start. */
  failure: Error | undefined;
  retry: () => void;
}

/** A device as it will be in the call, tried out before; stopped again when the page goes on. */
export function usePreview(kind: DeviceKind, initiallyOn: boolean): DevicePreview {
  const [isOn, setOn] = useState(initiallyOn);
  const [deviceId, setDeviceId] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  const [outcome, setOutcome] = useState<{ track?: LocalTrack; failure?: Error }>({});
  useEffect(() => {
    if (!isOn) return;
    const opening = openTrack(kind, deviceId);
    let isCurrent = true;
    opening.then(
      (track) => {
        if (isCurrent) setOutcome({ track });
      },
      (thrown: unknown) => {
        if (isCurrent) setOutcome({ failure: thrown instanceof Error ? thrown : new Error(String(thrown)) });
      },
    );
    return () => {
      isCurrent = false;
      setOutcome({});
      opening.then(
        (track) => {
          track.stop();
        },
        () => undefined,
      );
    };
  }, [kind, isOn, deviceId, attempt]);
  const retry = () => {
    setAttempt(attempt + 1);
  };
  return { kind, isOn, setOn, deviceId, setDeviceId, track: outcome.track, failure: outcome.failure, retry };
}

async function openTrack(kind: DeviceKind, deviceId: string | undefined): Promise<LocalTrack> {
  const options = deviceId === undefined ? {} : { deviceId };
  return kind === 'camera' ? createLocalVideoTrack(options) : createLocalAudioTrack(options);
}
