export interface Refusal {
  heading: string;
  advice: string;
  /** Whether trying again can help. */
  canRetry: boolean;
}

const NEW_LINK = 'Please ask the clinic for a new link.';

const REFUSALS: Record<string, Refusal> = {
  'call-ended': {
    heading: 'This appointment is over',
    advice: 'It has ended and cannot be entered again. If you need more time, please contact the clinic.',
    canRetry: false,
  },
  'call-not-found': { heading: 'We cannot find this appointment', advice: NEW_LINK, canRetry: false },
  'call-type-not-found': { heading: 'We cannot find this appointment', advice: NEW_LINK, canRetry: false },
  'incomplete-link': {
    heading: 'This link is not complete',
    advice: 'Open the whole link from your invitation, or ask the clinic for a new one.',
    canRetry: false,
  },
  'token-expired': { heading: 'This link has expired', advice: NEW_LINK, canRetry: false },
  'call-full': {
    heading: 'The call is full',
    advice: 'Everybody who fits is already in it. Close the call on your other devices, then try again.',
    canRetry: true,
  },
  'network-unreachable': {
    heading: 'We cannot reach the clinic',
    advice: 'Check your internet connection, then try again.',
    canRetry: true,
  },
  'media-unreachable': {
    heading: 'Video could not be connected',
    advice: 'Your network may be blocking video calls. Try another network, or switch off a VPN.',
    canRetry: true,
  },
};

const NOT_VALID: Refusal = { heading: 'This link is not valid', advice: NEW_LINK, canRetry: false };
const LINK_CODES = new Set(['invalid-token', 'unknown-api-key', 'unknown-user', 'authentication-required']);
const FORBIDDEN = new Set(['token-not-for-call', 'missing-capability']);

/** What a refusal means to the person in front of it, and what to do about it. */
export function refusalFor(code: string): Refusal {
  if (LINK_CODES.has(code)) return NOT_VALID;
  if (FORBIDDEN.has(code)) return { ...NOT_VALID, heading: 'This link is for another appointment' };
  return (
    REFUSALS[code] ?? {
      heading: 'The call could not be opened',
      advice: `Please try again in a moment. If it keeps happening, tell the clinic the word “${code}”.`,
      canRetry: true,
    }
  );
}
