import type { ReactNode } from 'react';
import { describeDeviceFailure } from '../device_failure.js';
import { useCall } from '../hooks/useCall.js';
import { useCameraState } from '../hooks/useCameraState.js';
import { useMicrophoneState } from '../hooks/useMicrophoneState.js';
import { useScreenShareState } from '../hooks/useScreenShareState.js';
import type { TrackState } from '../hooks/useTrackState.js';
import { CameraIcon, LeaveIcon, MicrophoneIcon, ScreenIcon } from './icons.js';

export interface CallControlsProps {
  className?: string;
  /** Called when the page has left the call. */
  onLeave?: () => void;
  /** More controls, such as `<ExtendSessionMenu>`. */
  children?: ReactNode;
}

/** Microphone, camera, screen and leave; what this user may not send is not offered. */
export function CallControls({ className = '', onLeave, children }: CallControlsProps) {
  const call = useCall();
  const microphone = useMicrophoneState();
  const camera = useCameraState();
  const screen = useScreenShareState();
  const leave = async () => {
    // Gone from this page even where the server could not be told: it notices by itself.
    await call.leave().catch(() => undefined);
    onLeave?.();
  };
  return (
    <div className={`cc-controls ${className}`}>
      <div className="cc-controls-row" role="toolbar" aria-label="Call controls">
        <Toggle state={microphone} on="Mute microphone" off="Unmute microphone">
          <MicrophoneIcon off={!microphone.isEnabled} />
        </Toggle>
        <Toggle state={camera} on="Turn camera off" off="Turn camera on">
          <CameraIcon off={!camera.isEnabled} />
        </Toggle>
        <Toggle state={screen} on="Stop sharing screen" off="Share screen">
          <ScreenIcon />
        </Toggle>
        {children}
        <button type="button" className="cc-button cc-button-leave" onClick={() => void leave()}>
          <LeaveIcon />
          Leave
        </button>
      </div>
      <p className="cc-controls-problem" role="status">
        {camera.error && describeDeviceFailure(camera.error, 'camera')}{' '}
        {microphone.error && describeDeviceFailure(microphone.error, 'microphone')}
      </p>
    </div>
  );
}

interface ToggleProps {
  state: TrackState;
  on: string;
  off: string;
  children: ReactNode;
}

function Toggle({ state, on, off, children }: ToggleProps) {
  if (!state.isAllowed) return null;
  const label = state.isEnabled ? on : off;
  return (
    <button
      type="button"
      className="cc-button cc-button-round"
      aria-label={label}
      title={label}
      data-on={state.isEnabled}
      aria-busy={state.isPending}
      onClick={() => void state.toggle()}
    >
      {children}
    </button>
  );
}
