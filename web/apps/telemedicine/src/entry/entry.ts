/** Who comes in, and to which call. */
export interface Admission {
  apiKey: string;
  token: string;
  user: { id: string; name?: string; role?: string };
  callType: string;
  callId: string;
  /** Asks for a token anew when the first has run out; absent where only the clinic's own page can do so. */
  renewToken?: () => Promise<string>;
}

export type Entry =
  | { kind: 'demo'; userId: string }
  | { kind: 'link'; admission: Admission }
  | { kind: 'incomplete' };

const KEPT_LINK = 'callclock.link';
const DEMO_PATH = /^\/demo\/([A-Za-z0-9_.@-]{1,64})\/?$/;

/**
 * Reads the address: `/demo/<user>`, or `/join#call=<type>:<id>&token=…&api_key=…&user=…`. The fragment never
 * reaches a server; it is taken out of the address bar at once and kept for this tab, so that a reload works.
 */
export function readEntry(location: Location, history: History, storage: Storage): Entry {
  const demoUser = DEMO_PATH.exec(location.pathname)?.[1];
  if (demoUser !== undefined) return { kind: 'demo', userId: demoUser };
  const fragment = location.hash.slice(1);
  if (fragment !== '') {
    history.replaceState(null, '', location.pathname + location.search);
    storage.setItem(KEPT_LINK, fragment);
  }
  return readLink(fragment || (storage.getItem(KEPT_LINK) ?? ''));
}

function readLink(fragment: string): Entry {
  const fields = new URLSearchParams(fragment);
  const [callType, callId] = (fields.get('call') ?? '').split(':');
  const token = fields.get('token');
  const apiKey = fields.get('api_key');
  const userId = fields.get('user');
  if (!callType || !callId || !token || !apiKey || !userId) return { kind: 'incomplete' };
  return { kind: 'link', admission: { apiKey, token, user: { id: userId }, callType, callId } };
}
