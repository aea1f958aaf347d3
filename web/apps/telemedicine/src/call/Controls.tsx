import { describeDeviceFailure, type TrackState, useCall, useCallStateHooks } from '@callclock/react';
import type { ReactNode } from 'react';
import { Icon, type IconName } from '../parts/Icon';
import { useShortcut } from './useShortcut';

const CAN_SHARE = 'getDisplayMedia' in (navigator.mediaDevices as object | undefined ?? {});

/** What one can do in the call, each with its word below it; `children` are more of the kind. */
export function Controls({ children }: { children?: ReactNode }) {
  const call = useCall();
  const { useMicrophoneState, useCameraState, useScreenShareState } = useCallStateHooks();
  const microphone = useMicrophoneState();
  const camera = useCameraState();
  const screen = useScreenShareState();
  useShortcut('m', () => void microphone.toggle());
  useShortcut('v', () => void camera.toggle());
  return (
    <footer className="tm-controls-area">
      <p className="tm-problem" role="alert">
        {microphone.error && describeDeviceFailure(microphone.error, 'microphone')}{' '}
        {camera.error && describeDeviceFailure(camera.error, 'camera')}
      </p>
      <div className="tm-controls" role="group" aria-label="Call controls">
        <Toggle state={microphone} icons={['mic', 'mic-off']} words={['Mute', 'Unmute']} shortcut="M" />
        <Toggle state={camera} icons={['camera', 'camera-off']} words={['Stop video', 'Start video']} shortcut="V" />
        {CAN_SHARE && <Toggle state={screen} icons={['screen', 'screen']} words={['Stop sharing', 'Share screen']} />}
        {children}
        {/* Gone from this page even where the server could not be told: it notices by itself. */}
        <button
          type="button"
          className="tm-control"
          data-kind="leave"
          onClick={() => void call.leave().catch(() => undefined)}
        >
          <span className="tm-control-face">
            <Icon name="leave" />
          </span>
          Leave
        </button>
      </div>
    </footer>
  );
}

interface ToggleProps {
  state: TrackState;
  /** While on, and while off. */
  icons: [IconName, IconName];
  words: [string, string];
  shortcut?: string;
}

function Toggle({ state, icons, words, shortcut }: ToggleProps) {
  if (!state.isAllowed) return null;
  const at = state.isEnabled ? 0 : 1;
  return (
    <button
      type="button"
      className="tm-control"
      data-kind={shortcut === undefined ? 'screen' : 'device'}
      data-on={state.isEnabled}
      aria-busy={state.isPending}
      aria-keyshortcuts={shortcut?.toLowerCase()}
      onClick={() => void state.toggle()}
    >
      <span className="tm-control-face">
        <Icon name={icons[at]} />
      </span>
      <span>
        {words[at]}
        {shortcut !== undefined && <kbd aria-hidden="true">{shortcut}</kbd>}
      </span>
    </button>
  );
}
