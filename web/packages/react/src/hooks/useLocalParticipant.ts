import { type CallParticipant, useParticipants } from './useParticipants.js';

/** This page's own participant; undefined while not in the session. */
export function useLocalParticipant(): CallParticipant | undefined {
  return useParticipants().find((participant) => participant.isLocal);
}
