import { useCall } from '@callclock/react';
import { useEffect, useState } from 'react';

/** The name of whoever ended the call for everybody; for oneself, one's user id. */
export function useEndedBy(): string | undefined {
  const call = useCall();
  const [endedBy, setEndedBy] = useState<string>();
  useEffect(
    () =>
      call.on('call.ended', ({ user }) => {
        if (user) setEndedBy(user.id === call.currentUserId ? user.id : user.name || user.id);
      }),
    [call],
  );
  return endedBy;
}
