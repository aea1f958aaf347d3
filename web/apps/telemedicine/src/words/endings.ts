import type { EndedReason, LeftReason } from '@callclock/client';

export interface Ending {
  heading: string;
  lead: string;
  /** What the way back is called; absent where there is none. */
  wayBack?: string;
}

/** Why this page is out of a call that may go on without it. */
export function endingAfterLeaving(reason: LeftReason, isRunning: boolean): Ending {
  const goesOn = isRunning ? 'The appointment goes on until its time has run out.' : 'The appointment is over.';
  const endings: Record<LeftReason, Ending> = {
    left: { heading: 'You left the call', lead: goesOn, wayBack: 'Rejoin the call' },
    'connection-lost': {
      heading: 'The connection was lost',
      lead: isRunning ? 'The appointment is still running. Check your internet connection, then rejoin.' : goesOn,
      wayBack: 'Rejoin the call',
    },
    'joined-elsewhere': {
      heading: 'The call goes on in another window',
      lead: 'You joined from a second window or device, so this one has stopped.',
      wayBack: 'Use this window instead',
    },
    removed: { heading: 'You were removed from the call', lead: 'If this is a mistake, please contact the clinic.' },
  };
  const ending = endings[reason];
  return isRunning ? ending : { heading: ending.heading, lead: ending.lead };
}

/** Why the session is over for everybody. `names`: whom the appointment was with. */
export function endingOf(reason: EndedReason | undefined, names: string, endedBy: string | undefined): Ending {
  switch (reason) {
    case 'max_duration_reached':
      return { heading: 'The time has run out', lead: `Your appointment with ${names} has ended as planned.` };
    case 'overtime_used_up':
      return { heading: 'The overtime is used up', lead: `Your appointment with ${names} has ended as agreed.` };
    case 'max_wall_reached':
      return {
        heading: 'The longest time was reached',
        lead: 'With its pauses the appointment has lasted as long as it may.',
      };
    case 'no_show':
      return { heading: 'The appointment did not take place', lead: 'Not everybody who was needed came in time.' };
    case 'never_started':
      return { heading: 'The appointment did not take place', lead: 'Its clock never started, so no time was used.' };
    case 'call_deleted':
      return { heading: 'The appointment was cancelled', lead: 'Please contact the clinic for a new one.' };
    case 'empty_timeout':
    case 'never_connected':
      return { heading: 'The call was closed', lead: 'Nobody was in it any more.' };
    default:
      return {
        heading: endedBy === undefined ? 'The call was ended' : `${endedBy} ended the call`,
        lead: `Your appointment with ${names} is over.`,
      };
  }
}
