import { useEffect, useRef } from 'react';
import { Icon } from '../parts/Icon';
import type { DevicePreview } from './useDevicePreview';

/** One's own picture as in a mirror, or why there is none. */
export function CameraPicture({ camera }: { camera: DevicePreview }) {
  const video = useRef<HTMLVideoElement>(null);
  const { track, isOn, failure } = camera;
  useEffect(() => {
    if (video.current !== null) video.current.srcObject = track === undefined ? null : new MediaStream([track]);
  }, [track]);
  return (
    <div className="tm-preview">
      <video ref={video} hidden={track === undefined} autoPlay playsInline muted aria-label="Your camera" />
      {track === undefined && (
        <p className="tm-preview-off">
          <Icon name={isOn && failure === undefined ? 'camera' : 'camera-off'} />
          {failure !== undefined ? 'No picture' : isOn ? 'Starting your camera…' : 'Your camera is off'}
        </p>
      )}
    </div>
  );
}
