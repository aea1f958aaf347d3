import type { ParticipantResponse } from '@callclock/client';
import { useParticipants as useMediaParticipants } from '@livekit/components-react';
import type { Participant } from 'livekit-client';
import { useMemo } from 'react';
import { useCallState } from './useCallState.js';

export interface CallParticipant {
  participantId: string;
  userId: string;
  deviceId: string;
  name: string;
  image: string | null;
  role: string;
  /** Undefined until it reaches the media room. */
  joinedAt: Date | undefined;
  /** Whether this is the page's own place. */
  isLocal: boolean;
  /** The participant's tracks; undefined until it reaches the media room, and in calls without one. */
  media: Participant | undefined;
}

const NOBODY: ParticipantResponse[] = [];

/** Who is in the session now. */
export function useParticipants(): CallParticipant[] {
  const present = useCallState((state) => state.session?.participants ?? NOBODY);
  const ownId = useCallState((state) => state.participantId);
  const media = useMediaParticipants();
  return useMemo(() => {
    const byIdentity = new Map(media.map((participant) => [participant.identity, participant]));
    return present.map((participant) => ({
      participantId: participant.id,
      userId: participant.user_id,
      deviceId: participant.device_id,
      name: participant.user.name || participant.user_id,
      image: participant.user.image,
      role: participant.role,
      joinedAt: participant.joined_at === null ? undefined : new Date(participant.joined_at),
      isLocal: participant.id === ownId,
      media: byIdentity.get(`${participant.user_id}:${participant.device_id}`),
    }));
  }, [present, ownId, media]);
}
