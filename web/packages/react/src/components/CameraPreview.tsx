import { useEffect, useRef } from 'react';
import type { DevicePreview } from '../hooks/usePreview.js';
import { CameraIcon } from './icons.js';

/** One's own picture as in a mirror. */
export function CameraPreview({ preview }: { preview: DevicePreview }) {
  const video = useRef<HTMLVideoElement>(null);
  const { track } = preview;
  useEffect(() => {
    const element = video.current;
    if (element === null || track === undefined) return;
    track.attach(element);
    return () => {
      track.detach(element);
    };
  }, [track]);
  return (
    <div className="cc-tile-picture cc-prejoin-preview" data-mirror="true">
      {track === undefined ? (
        <p className="cc-prejoin-off">
          <CameraIcon off />
          {preview.isOn && preview.failure === undefined ? 'Starting your camera…' : 'Your camera is off'}
        </p>
      ) : (
        <video ref={video} autoPlay playsInline muted aria-label="Your camera" />
      )}
    </div>
  );
}
