import { beforeEach, describe, expect, it, vi } from 'vitest';
import { readEntry } from '../src/entry/entry';

const LINK = 'call=appointment%3Avisit-1&token=a.b.c&api_key=key&user=bill';

function at(address: string) {
  const { pathname, search, hash } = new URL(address, 'https://clinic.test');
  return { pathname, search, hash } as Location;
}

describe('readEntry', () => {
  const history = { replaceState: vi.fn() };

  beforeEach(() => {
    sessionStorage.clear();
    history.replaceState.mockClear();
  });

  const read = (address: string) => readEntry(at(address), history as unknown as History, sessionStorage);

  it('takes the demonstration’s user from the path', () => {
    expect(read('/demo/dr-lecter')).toEqual({ kind: 'demo', userId: 'dr-lecter' });
    expect(read('/demo/bill/')).toEqual({ kind: 'demo', userId: 'bill' });
  });

  it('reads a link from the fragment', () => {
    expect(read(`/join#${LINK}`)).toEqual({
      kind: 'link',
      admission: { apiKey: 'key', token: 'a.b.c', user: { id: 'bill' }, callType: 'appointment', callId: 'visit-1' },
    });
  });

  it('takes the fragment out of the address bar, and finds it again after a reload', () => {
    const first = read(`/join?lang=en#${LINK}`);
    expect(history.replaceState).toHaveBeenCalledExactlyOnceWith(null, '', '/join?lang=en');
    expect(read('/join?lang=en')).toEqual(first);
  });

  it('prefers a new link to the one that the tab came with', () => {
    read(`/join#${LINK}`);
    const next = read(`/join#${LINK.replace('visit-1', 'visit-2')}`);
    expect(next).toMatchObject({ admission: { callId: 'visit-2' } });
    expect(read('/join')).toEqual(next);
  });

  it.each(['/join', '/', '/join#call=appointment', `/join#${LINK.replace('token=a.b.c', 'token=')}`])(
    'calls %s incomplete',
    (address) => {
      expect(read(address)).toEqual({ kind: 'incomplete' });
    },
  );
});
