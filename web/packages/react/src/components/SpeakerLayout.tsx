import {
  RoomAudioRenderer,
  StartAudio,
  type TrackReferenceOrPlaceholder,
  useSpeakingParticipants,
  useTracks,
} from '@livekit/components-react';
import { Track } from 'livekit-client';
import { useState } from 'react';
import { useCallState } from '../hooks/useCallState.js';
import { useParticipants } from '../hooks/useParticipants.js';
import { Initials, ParticipantTile } from './ParticipantTile.js';

export interface SpeakerLayoutProps {
  className?: string;
}

/** The person who speaks, or the shared screen, large; the others in a row below. Plays the sound as well. */
export function SpeakerLayout({ className = '' }: SpeakerLayoutProps) {
  const room = useCallState((state) => state.room);
  return (
    <div className={`cc-layout ${className}`}>
      {room === undefined ? <PeopleWithoutMedia /> : <Stage />}
    </div>
  );
}

function Stage() {
  const tracks = useTracks(
    [
      { source: Track.Source.Camera, withPlaceholder: true },
      { source: Track.Source.ScreenShare, withPlaceholder: false },
    ],
    { onlySubscribed: false },
  );
  const speaker = useLastSpeaker();
  const main = mainTrack(tracks, speaker);
  const others = tracks.filter((track) => track !== main);
  return (
    <>
      <div className="cc-stage">{main && <ParticipantTile key={tileKey(main)} trackRef={main} isMain />}</div>
      {others.length > 0 && (
        <div className="cc-strip">
          {others.map((track) => (
            <ParticipantTile key={tileKey(track)} trackRef={track} />
          ))}
        </div>
      )}
      <RoomAudioRenderer />
      <StartAudio className="cc-button cc-start-audio" label="Turn the sound on" />
    </>
  );
}

/** The identity of whoever else spoke last: the stage does not jump back in a pause. */
function useLastSpeaker(): string | undefined {
  const remote = useSpeakingParticipants().find((participant) => !participant.isLocal)?.identity;
  const [last, setLast] = useState(remote);
  if (remote !== undefined && remote !== last) setLast(remote);
  return remote ?? last;
}

/** A shared screen first, then who speaks, then anybody else; oneself only when alone. */
export function mainTrack(
  tracks: readonly TrackReferenceOrPlaceholder[],
  speaker: string | undefined,
): TrackReferenceOrPlaceholder | undefined {
  const remote = tracks.filter((track) => !track.participant.isLocal);
  return (
    remote.find((track) => track.source === Track.Source.ScreenShare) ??
    remote.find((track) => track.participant.identity === speaker) ??
    remote[0] ??
    tracks[0]
  );
}

function PeopleWithoutMedia() {
  const participants = useParticipants();
  return (
    <ul className="cc-people" aria-label="People in this session">
      {participants.map(({ participantId, name, isLocal }) => (
        <li key={participantId} className="cc-person">
          <Initials name={name} />
          <span>{isLocal ? `${name} (you)` : name}</span>
        </li>
      ))}
    </ul>
  );
}

function tileKey({ participant, source }: TrackReferenceOrPlaceholder): string {
  return `${participant.identity} ${source}`;
}
