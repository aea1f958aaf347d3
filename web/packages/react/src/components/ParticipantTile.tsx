import { VideoTrack, isTrackReference, useIsMuted, useIsSpeaking } from '@livekit/components-react';
import type { TrackReferenceOrPlaceholder } from '@livekit/components-react';
import { Track } from 'livekit-client';
import { MicrophoneIcon } from './icons.js';

export interface ParticipantTileProps {
  trackRef: TrackReferenceOrPlaceholder;
  /** The large one on the stage. */
  isMain?: boolean;
}

/** One person's picture, or initials; the name stands below the picture, never on it. */
export function ParticipantTile({ trackRef, isMain = false }: ParticipantTileProps) {
  const { participant, source } = trackRef;
  const isSpeaking = useIsSpeaking(participant);
  const isMuted = useIsMuted({ participant, source: Track.Source.Microphone });
  const isScreen = source === Track.Source.ScreenShare;
  const hasPicture = isTrackReference(trackRef) && !trackRef.publication.isMuted;
  const name = participant.name || participant.identity;
  return (
    <figure className="cc-tile" data-main={isMain} data-speaking={isSpeaking} data-screen={isScreen}>
      <div className="cc-tile-picture" data-mirror={participant.isLocal && !isScreen}>
        {hasPicture ? <VideoTrack trackRef={trackRef} /> : <Initials name={name} />}
      </div>
      <figcaption className="cc-tile-name">
        {isMuted && !isScreen && (
          <span className="cc-tile-muted">
            <MicrophoneIcon off />
            <span className="cc-visually-hidden">Muted</span>
          </span>
        )}
        <span>{isScreen ? `${name}'s screen` : participant.isLocal ? `${name} (you)` : name}</span>
      </figcaption>
    </figure>
  );
}

export function Initials({ name }: { name: string }) {
  const words = name.replace(/^(dr|prof|mr|mrs|ms)\.?\s+/i, '').split(/\s+/);
  const initials = [words[0], words.length > 1 ? words.at(-1) : ''].map((word) => word?.[0] ?? '').join('');
  return (
    <span className="cc-initials" aria-hidden="true">
      {initials.toUpperCase()}
    </span>
  );
}
