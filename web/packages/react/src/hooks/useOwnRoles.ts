import { useMemo } from 'react';
import { useCall } from './useCall.js';
import { useCallState } from './useCallState.js';

/** The roles of this user in this call: the one everywhere, and the one as a member. */
export function useOwnRoles(): readonly string[] {
  const { currentUserId } = useCall();
  const member = useCallState((state) => state.members.find((one) => one.user_id === currentUserId));
  const present = useCallState((state) => state.session?.participants.find((one) => one.user_id === currentUserId));
  return useMemo(() => {
    const roles = [member?.role, member?.user.role, present?.role, present?.user.role];
    return [...new Set(roles.filter((role) => typeof role === 'string'))];
  }, [member, present]);
}
