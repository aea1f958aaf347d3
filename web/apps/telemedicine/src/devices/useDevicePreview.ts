import type { DeviceChoice } from '@callclock/react';
import { useEffect, useState } from 'react';
import { type PreviewKind, openDevice } from './open_device';

export interface DevicePreview {
  kind: PreviewKind;
  isOn: boolean;
  setOn: (on: boolean) => void;
  deviceId: string | undefined;
  choose: (deviceId: string) => void;
  /** The open device; undefined while it is off, starting or refused. */
  track: MediaStreamTrack | undefined;
  failure: Error | undefined;
  retry: () => void;
  /** What to join with. */
  choice: DeviceChoice;
}

/** A camera or microphone tried out before the call; it is stopped when the page goes on. */
export function useDevicePreview(
  kind: PreviewKind,
  { initiallyOn, together }: { initiallyOn: boolean; together: boolean },
): DevicePreview {
  const [isOn, setOn] = useState(initiallyOn);
  const [deviceId, choose] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  const [outcome, setOutcome] = useState<{ track?: MediaStreamTrack; failure?: Error }>({});
  useEffect(() => {
    if (!isOn) return;
    let isCurrent = true;
    const opening = openDevice(kind, { deviceId, together: together && attempt === 0 && deviceId === undefined });
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
  }, [kind, isOn, deviceId, attempt, together]);
  const retry = () => {
    setAttempt(attempt + 1);
  };
  const { track, failure } = outcome;
  const choice = isOn && failure === undefined && (deviceId === undefined || { deviceId });
  return { kind, isOn, setOn, deviceId, choose, track, failure, retry, choice };
}
