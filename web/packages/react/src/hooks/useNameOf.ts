import { useCallback } from 'react';
import { useCall } from './useCall.js';
import { useCallState } from './useCallState.js';

/** Gives a name to a user's id: `You` for this page's own; `organiser` for the application's backend (null). */
export function useNameOf(organiser = 'The organiser'): (userId: string | null) => string {
  const { currentUserId } = useCall();
  const members = useCallState((state) => state.members);
  const present = useCallState((state) => state.session?.participants);
  return useCallback(
    (userId) => {
      if (userId === null) return organiser;
      if (userId === currentUserId) return 'You';
      const known = [...members, ...(present ?? [])].find((one) => one.user_id === userId);
      return known?.user.name || userId;
    },
    [currentUserId, members, present, organiser],
  );
}
