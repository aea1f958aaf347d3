import { FakeServer } from '@callclock/client/testing';
import type { ReactNode } from 'react';
import { callPage } from './call_page.js';

export const PATIENT_MAY = ['join-call', 'send-audio', 'send-video'];

/** A server with Dr. Lecter and Bill, and an appointment of `minutes`. */
export function ruledServer(minutes = 60): FakeServer {
  const server = new FakeServer();
  server.call.addMember('bill', 'patient', 'Bill');
  server.call.addMember('dr-lecter', 'specialist', 'Dr. Lecter');
  server.capabilities['bill'] = PATIENT_MAY;
  server.call.settings.limits.max_duration_seconds = minutes * 60;
  return server;
}

/** Bill's page in that appointment, or the page of `user`. */
export function ruledPage(ui: ReactNode, server: FakeServer, user = 'bill') {
  return callPage(ui, { server, user });
}

/** The page shows what a hook gives. */
export function reading<T>(hook: () => T) {
  let latest: T | undefined;
  const Reader = () => {
    latest = hook();
    return null;
  };
  const now = (): T => {
    if (latest === undefined) throw new Error('not drawn yet');
    return latest;
  };
  return { Reader, now };
}
