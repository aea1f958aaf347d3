import { type CallclockError, asCallclockError } from '@callclock/client';
import { useCallback, useState } from 'react';

export interface Attempt {
  /** Does it. Resolves with whether it worked; never rejects. */
  attempt: (deed: () => Promise<unknown>) => Promise<boolean>;
  isPending: boolean;
  /** Why the last one failed. */
  error: CallclockError | undefined;
}

/** Something a person does that the server may refuse: whether it is under way, and what came of it. */
export function useAttempt(): Attempt {
  const [pending, setPending] = useState(0);
  const [error, setError] = useState<CallclockError>();
  const attempt = useCallback(async (deed: () => Promise<unknown>) => {
    setError(undefined);
    setPending((count) => count + 1);
    try {
      await deed();
      return true;
    } catch (thrown) {
      setError(asCallclockError(thrown, 'internal'));
      return false;
    } finally {
      setPending((count) => count - 1);
    }
  }, []);
  return { attempt, isPending: pending > 0, error };
}
