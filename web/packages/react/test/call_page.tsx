import { type Call, type StreamVideoClientOptions } from '@callclock/client';
import { FakeServer } from '@callclock/client/testing';
import { act, render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { StreamCall, StreamVideo } from '../src/index.js';

export interface PageOptions {
  minutes?: number | null;
  user?: string;
  server?: FakeServer;
  client?: Partial<StreamVideoClientOptions>;
}

/** A page that has joined a call on a fake server, with `ui` inside the call. */
export async function callPage(ui: ReactNode, options: PageOptions = {}) {
  const { minutes = 60, user = 'dr-lecter', server = new FakeServer() } = options;
  if (options.server === undefined) server.call.settings.limits.max_duration_seconds = minutes && minutes * 60;
  const client = server.client(user, options.client);
  const call: Call = client.call('appointment', 'test-call');
  const view = render(
    <StreamVideo client={client}>
      <StreamCall call={call}>{ui}</StreamCall>
    </StreamVideo>,
  );
  const advance = (ms: number) => act(() => server.timers.advance(ms));
  const joined = call.join();
  await advance(0);
  await joined;
  return { server, client, call, view, advance };
}

/** What a screen reader would find as text. */
export function text(): string {
  return document.body.textContent.replaceAll(/\s+/g, ' ').trim();
}
