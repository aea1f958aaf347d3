import { useMemo } from 'react';
import { useCallState } from './useCallState.js';

/**
 * Who is meant by roles: the names of the members that have them and are not there; of all that have them when
 * all are there; and the roles themselves where nobody is known.
 */
export function useNamesOfRoles(roles: readonly string[]): string[] {
  const members = useCallState((state) => state.members);
  const present = useCallState((state) => state.session?.participants);
  return useMemo(() => {
    const here = new Set(present?.map((one) => one.user_id));
    const holders = members.filter(({ role, user }) => roles.includes(user.role) || roles.includes(role ?? ''));
    const absent = holders.filter((one) => !here.has(one.user_id));
    const named = (absent.length > 0 ? absent : holders).map(({ user, user_id }) => user.name || user_id);
    return named.length > 0 ? named : roles.map((role) => `the ${role}`);
  }, [members, present, roles]);
}
