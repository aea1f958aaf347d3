import type { DeviceChoices } from '@callclock/client';
import { type ReactNode, type SyntheticEvent, useState } from 'react';
import { describeDeviceFailure } from '../device_failure.js';
import { type DevicePreview, usePreview } from '../hooks/usePreview.js';
import { CameraPreview } from './CameraPreview.js';
import { DevicePicker } from './DevicePicker.js';

export interface PreJoinProps {
  /** The choices, for `call.join({devices})`. */
  onJoin: (devices: DeviceChoices) => void;
  /** While joining, or when it failed. */
  isJoining?: boolean;
  error?: string | undefined;
  initiallyOn?: { microphone?: boolean; camera?: boolean };
  className?: string;
  /** Who meets whom, above the picture. */
  children?: ReactNode;
}

/** A look in the mirror before the call: picture, devices, and a clear word when one cannot be used. */
export function PreJoin({ onJoin, isJoining = false, error, initiallyOn, className = '', children }: PreJoinProps) {
  const [speakerDeviceId, setSpeaker] = useState<string>();
  const camera = usePreview('camera', initiallyOn?.camera ?? true);
  const microphone = usePreview('microphone', initiallyOn?.microphone ?? true);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onJoin({ microphone: choiceOf(microphone), camera: choiceOf(camera), speakerDeviceId });
  };
  return (
    <form className={`cc-prejoin ${className}`} onSubmit={submit}>
      {children}
      <CameraPreview preview={camera} />
      <PreviewSwitch label="Camera" preview={camera} kind="videoinput" />
      <PreviewSwitch label="Microphone" preview={microphone} kind="audioinput" />
      <DevicePicker
        label="Speaker"
        kind="audiooutput"
        value={speakerDeviceId}
        onChange={setSpeaker}
        isAllowed={microphone.track !== undefined}
      />
      {error !== undefined && (
        <p className="cc-problem" role="alert">
          {error}
        </p>
      )}
      <button type="submit" className="cc-button cc-button-accent cc-prejoin-join" disabled={isJoining}>
        {isJoining ? 'Joining…' : 'Join the call'}
      </button>
    </form>
  );
}

interface PreviewSwitchProps {
  label: string;
  kind: MediaDeviceKind;
  preview: DevicePreview;
}

function PreviewSwitch({ label, kind, preview }: PreviewSwitchProps) {
  return (
    <div className="cc-prejoin-device">
      <label className="cc-switch">
        <input
          type="checkbox"
          role="switch"
          checked={preview.isOn}
          onChange={(event) => {
            preview.setOn(event.target.checked);
          }}
        />
        {label}
      </label>
      <DevicePicker
        label={`${label} device`}
        kind={kind}
        value={preview.deviceId}
        onChange={preview.setDeviceId}
        isAllowed={preview.track !== undefined}
      />
      {preview.failure && (
        <p className="cc-problem" role="alert">
          {describeDeviceFailure(preview.failure, preview.kind)}{' '}
          <button type="button" className="cc-button" onClick={preview.retry}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}

function choiceOf({ isOn, failure, deviceId }: DevicePreview) {
  if (!isOn || failure !== undefined) return false;
  return deviceId === undefined ? true : { deviceId };
}
