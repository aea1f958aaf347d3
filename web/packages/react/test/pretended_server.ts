/** A pretended server behind the globals that a page uses, and fake time, for tests of whole pages. */
import { systemTimers } from '@callclock/client';
import { FakeServer, type TrueTimers } from '@callclock/client/testing';
import { cleanup } from '@testing-library/react';
import { vi } from 'vitest';

/** Stops the time and answers `fetch` and `WebSocket`; undone by `goBackToReality`. */
export function pretendServer(): FakeServer<TrueTimers> {
  vi.useFakeTimers({ now: Date.parse('2026-11-23T13:00:00Z') });
  const server = new FakeServer({
    ...systemTimers,
    get trueNow() {
      return Date.now();
    },
  });
  vi.stubGlobal('CALLCLOCK_URL', 'http://server.test');
  vi.stubGlobal('fetch', server.fetch);
  vi.stubGlobal('WebSocket', function () {
    return server.openSocket();
  });
  return server;
}

/** Takes the page away, lets its last requests pass, and gives the globals back. */
export async function goBackToReality(): Promise<void> {
  cleanup();
  await vi.advanceTimersByTimeAsync(100);
  vi.unstubAllGlobals();
  vi.useRealTimers();
}
