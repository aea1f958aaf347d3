import { OwnCapability, type DeviceKind } from '@callclock/client';
import { useTrackToggle } from '@livekit/components-react';
import { Track } from 'livekit-client';
import { useCallback, useState } from 'react';
import { useCallState } from './useCallState.js';
import { useHasPermissions } from './useHasPermissions.js';

export interface TrackState {
  isEnabled: boolean;
  isMute: boolean;
  /** A change is under way. */
  isPending: boolean;
  /** Whether this user may send it at all. */
  isAllowed: boolean;
  /** Why the device would not start. */
  error: Error | undefined;
  /** Switches over, or to `enabled`. Never rejects: see `error`. */
  toggle: (enabled?: boolean) => Promise<void>;
}

export type ToggledSource = Track.Source.Microphone | Track.Source.Camera | Track.Source.ScreenShare;

const NEEDED = {
  [Track.Source.Microphone]: OwnCapability.SEND_AUDIO,
  [Track.Source.Camera]: OwnCapability.SEND_VIDEO,
  [Track.Source.ScreenShare]: OwnCapability.SCREENSHARE,
};

/** One of the three things that a page can send. */
export function useTrackState(source: ToggledSource): TrackState {
  const isAllowed = useHasPermissions(NEEDED[source]);
  const failedAtJoin = useCallState((state) => state.deviceErrors[source as DeviceKind]);
  const [failure, setFailure] = useState<Error>();
  const { toggle: toggleTrack, enabled, pending } = useTrackToggle({ source, onDeviceError: setFailure });
  const toggle = useCallback(
    async (forced?: boolean) => {
      setFailure(undefined);
      try {
        await toggleTrack(forced);
      } catch (thrown) {
        setFailure(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    },
    [toggleTrack],
  );
  const error = enabled ? undefined : (failure ?? failedAtJoin);
  return { isEnabled: enabled, isMute: !enabled, isPending: pending, isAllowed, error, toggle };
}
