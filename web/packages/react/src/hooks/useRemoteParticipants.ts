import { type CallParticipant, useParticipants } from './useParticipants.js';

/** Everybody in the session but this page. */
export function useRemoteParticipants(): CallParticipant[] {
  return useParticipants().filter((participant) => !participant.isLocal);
}
