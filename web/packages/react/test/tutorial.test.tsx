import type { FakeServer, TrueTimers } from '@callclock/client/testing';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import * as dateFns from 'date-fns';
import * as React from 'react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { complaints, run, snippet, tutorialIsHere, withOurImports } from '../../client/test/tutorial.js';
import * as callclock from '../src/index.js';
import { goBackToReality, pretendServer } from './pretended_server.js';

type Component = React.ComponentType<Record<string, unknown>>;
interface Page {
  App: Component;
  Placed: Component;
  WithAlert: Component;
  ZeroAlert: Component;
  ExtendSessionButton: Component;
  client: callclock.StreamVideoClient;
}

const REACT_IMPORT = "import { useEffect, useRef, useState } from 'react';";

/** The page's snippets in one file: placeholders filled in, fragments given a place to stand. */
function wholePage(user: string): string {
  const app = snippet('app')
    .replace('/* one of the test users */', `id: '${user}',`)
    .replace('REPLACE_WITH_TOKEN', user)
    .replace('callId', "'test-call'");
  const alert = snippet('alert').replaceAll('SessionTimer =', 'WithAlert =');
  return withOurImports(`
    ${REACT_IMPORT}
    ${app}
    ${snippet('timer')}
    const Placed = ({ call }) => (${snippet('placing')});
    ${alert}
    const ZeroAlert = () => { ${snippet('zero')} };
    ${snippet('extend')}
    const override = (newCall) => { ${snippet('override')} };
  `).replaceAll(/import \{[^}]*\} from '@callclock\/react';/g, mergedImports());
}

/** The snippets import one after the other; in one file each name is imported once. */
function mergedImports(): (line: string) => string {
  const seen = new Set<string>();
  return (line) => {
    const names = [...(line.match(/\w+/g) ?? [])].slice(1, -3);
    const news = names.filter((name) => !seen.has(name) && seen.add(name));
    return news.length === 0 ? '' : `import { ${news.join(', ')} } from '@callclock/react';`;
  };
}

const NAMES = ['App', 'Placed', 'WithAlert', 'ZeroAlert', 'ExtendSessionButton', 'client', 'override'];

async function load(user: string): Promise<Page & { override: (call: callclock.Call) => void }> {
  const modules = { react: React, 'date-fns': dateFns, '@callclock/react': callclock };
  return (await run(wholePage(user), modules, NAMES)) as never;
}

function tutorialTests() {
  let server: FakeServer<TrueTimers>;

  beforeEach(() => {
    server = pretendServer();
    server.capabilities['bill'] = ['join-call', 'send-audio', 'send-video'];
  });

  afterEach(goBackToReality);

  const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
  const present = () => server.call.session?.participants.map((one) => one.user_id) ?? [];

  async function inCall(user: string, Part: (page: Page) => React.ReactNode) {
    const page = await load(user);
    const call = page.client.call('appointment', 'test-call');
    const joined = call.join();
    await pass(10);
    await joined;
    render(
      <callclock.StreamVideo client={page.client}>
        <callclock.StreamCall call={call}>{Part(page)}</callclock.StreamCall>
      </callclock.StreamVideo>,
    );
    return { ...page, call };
  }

  test('type-checks against our packages', { timeout: 60_000 }, () => {
    // The page is JavaScript: its effect's clean-up gives back a promise, which React's own types do not like.
    const ours = complaints(wholePage('bill')).filter((complaint) => !complaint.includes("'EffectCallback'"));
    expect(ours).toEqual([]);
  });

  test('the app joins, shows the call, and leaves when it goes away', async () => {
    const { App } = await load('bill');
    const view = render(<App />);
    expect(view.container.textContent).toBe('Loading...');
    await pass(10);
    expect(view.container.querySelector('.str-video .cc-layout')).not.toBeNull();
    expect(present()).toEqual(['bill']);
    view.unmount();
    await pass(10);
    expect(present()).toEqual([]);
  });

  test('under StrictMode the app joins once, without an error', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { App } = await load('bill');
    render(<App />, { wrapper: React.StrictMode });
    await pass(10);
    expect(present()).toEqual(['bill']);
    expect(error).not.toHaveBeenCalled();
  });

  test('the countdown ticks inside the call', async () => {
    const { client, Placed } = await load('bill');
    const call = client.call('appointment', 'test-call');
    const joined = call.join();
    await pass(10);
    await joined;
    render(<Placed call={call} />);
    await pass(1_000);
    expect(document.body.textContent).toMatch(/59 minutes 5[89] seconds/);
    await pass(10 * 60_000);
    expect(document.body.textContent).toMatch(/49 minutes 5[89] seconds/);
  });

  test('the alert comes five minutes before the end', async () => {
    await inCall('bill', ({ WithAlert }) => <WithAlert />);
    await pass(54 * 60_000);
    expect(screen.queryByText(/Less than 5 minutes/)).toBeNull();
    await pass(62_000);
    expect(screen.getByText(/Less than 5 minutes/)).toBeTruthy();
  });

  test('the zero alert comes when the time has run out', async () => {
    const { call } = await inCall('bill', ({ ZeroAlert }) => <ZeroAlert />);
    await pass(59 * 60_000);
    expect(document.body.textContent).toBe('');
    await pass(62_000);
    expect(document.body.textContent).toMatch(/ran out/);
    expect(call.state.getSnapshot().callingState).toBe(callclock.CallingState.ENDED);
  });

  test('the specialist extends, and the countdown follows; the patient has no button', async () => {
    const { ExtendSessionButton } = await load('bill');
    const { call } = await inCall('dr-lecter', (page) => <page.ExtendSessionButton duration={1800} />);
    fireEvent.click(screen.getByRole('button', { name: '+ 30 minutes' }));
    await pass(10);
    expect(call.clock.timer.getSnapshot().remainingMs).toBeGreaterThan(89 * 60_000);
    cleanup();
    await inCall('bill', () => <ExtendSessionButton duration={1800} />);
    expect(screen.queryByRole('button')).toBeNull();
  });

  test('a join can override the duration', async () => {
    const { client, override } = await load('dr-lecter');
    override(client.call('appointment', 'test-call'));
    await pass(10);
    const join = server.requests.find(({ path }) => path.endsWith('/join'));
    expect(join?.body['data']).toEqual({ settings_override: { limits: { max_duration_seconds: 7200 } } });
  });
}

if (tutorialIsHere) describe('tutorial page', tutorialTests);
else test('tutorial page: not run, no copy of it lies beside the repository', () => undefined);
