import { useCall, useCallStateHooks } from '@callclock/react';
import { useMemo } from 'react';

export interface Person {
  id: string;
  name: string;
}

/** The members of the appointment besides the person in front of this page. */
export function useOtherPeople(): Person[] {
  const { currentUserId } = useCall();
  const members = useCallStateHooks().useCallMembers();
  return useMemo(
    () =>
      members
        .filter((member) => member.user_id !== currentUserId)
        .map(({ user_id, user }) => ({ id: user_id, name: user.name || user_id })),
    [members, currentUserId],
  );
}

/** `Dr. Hannibal Lecter`, `Bill and Jo`, or `the clinic` where nobody is named. */
export function namesOf(people: readonly Person[]): string {
  if (people.length === 0) return 'the clinic';
  return new Intl.ListFormat('en').format(people.map((person) => person.name));
}
