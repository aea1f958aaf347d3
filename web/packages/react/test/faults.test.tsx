/** The faults of the sample code that people start from, each shown to be absent here. */
import { CallingState } from '@callclock/client';
import { FakeServer, ManualTimers } from '@callclock/client/testing';
import { cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  CallEnded,
  ExtendSessionButton,
  SessionTimer,
  SessionTimerAlert,
  useCallStateHooks,
  useSessionTimer,
} from '../src/index.js';
import { callPage, text } from './call_page.js';

const MINUTE = 60_000;

afterEach(cleanup);

describe('faults', () => {
  test('1: the alert does not return after Dismiss', async () => {
    const { advance } = await callPage(<SessionTimerAlert />);
    await advance(55 * MINUTE + 10);
    expect(screen.getByRole('alert').textContent).toBe('Less than 5 minutes left');
    fireEvent.click(screen.getByRole('button', { name: 'Dismiss' }));
    await advance(3 * MINUTE);
    expect(screen.getByRole('alert').textContent).toBe('');
  });

  test('2: an extension takes the alert down and arms it for the new end', async () => {
    const { advance, server } = await callPage(<SessionTimerAlert />);
    await advance(55 * MINUTE + 10);
    server.extend(600);
    await advance(0);
    expect(screen.getByRole('alert').textContent).toBe('');
    await advance(10 * MINUTE);
    expect(screen.getByRole('alert').textContent).toBe('Less than 5 minutes left');
  });

  test.each([15 * MINUTE, -15 * MINUTE])('3: a browser clock off by %i ms shows the right time', async (wallErrorMs) => {
    const server = new FakeServer(new ManualTimers({ wallErrorMs }));
    server.call.settings.limits.max_duration_seconds = 3600;
    const { advance } = await callPage(<SessionTimer />, { server });
    await advance(MINUTE + 10);
    expect(screen.getByRole('timer').textContent).toContain('59:00');
  });

  test('4: the first reading is there at once, none is NaN or negative, and nothing runs on after the end', async () => {
    const seen: (number | null)[] = [];
    const Reading = () => {
      seen.push(useSessionTimer().remainingMs);
      return null;
    };
    const { advance, call } = await callPage(<Reading />, { minutes: 1 });
    expect(seen.at(-1)).toBe(MINUTE);
    await advance(2 * MINUTE);
    expect(seen.at(-1)).toBe(0);
    expect(seen.filter((ms) => ms !== null && !(ms >= 0))).toEqual([]);
    const ticks = seen.length;
    await advance(5 * MINUTE);
    expect(seen).toHaveLength(ticks);
    expect(call.clock.timer.getSnapshot().state).toBe('ended');
  });

  test('5: the page learns that the call has ended, why, and how long it was', async () => {
    const Page = () => {
      const { useCallCallingState, useCallEndedAt } = useCallStateHooks();
      const endedAt = useCallEndedAt();
      return useCallCallingState() === CallingState.ENDED ? <CallEnded>{endedAt?.toISOString()}</CallEnded> : 'on';
    };
    const { advance } = await callPage(<Page />, { minutes: 5 });
    expect(text()).toBe('on');
    await advance(5 * MINUTE + 50);
    expect(screen.getByRole('heading').textContent).toBe('The time has run out.');
    expect(document.activeElement).toBe(screen.getByRole('heading'));
    expect(text()).toContain('The session lasted 5 minutes.');
    expect(text()).toContain('2026-11-23T13:05:00.000Z');
  });

  test('6: a double click adds once per click, shows that it is under way, and tells when it failed', async () => {
    const { advance, server, call } = await callPage(<ExtendSessionButton duration={300} />);
    server.latencyMs = { up: 50, down: 50 };
    const button = screen.getByRole('button', { name: '+ 5 minutes' });
    fireEvent.click(button);
    fireEvent.click(button);
    await advance(10);
    expect(button.getAttribute('aria-busy')).toBe('true');
    expect(screen.getByRole('status').textContent).toBe('Adding time (2 requests)…');
    await advance(200);
    expect(server.call.ledger.map((row) => row.seconds)).toEqual([300, 300]);
    expect(call.clock.timer.getSnapshot().remainingMs).toBeGreaterThan(69 * MINUTE);
    expect(screen.getByRole('status').textContent).toBe('');
    server.refusals['extend'] = { status: 403, code: 'missing-capability' };
    fireEvent.click(button);
    await advance(200);
    expect(screen.getByRole('status').textContent).toBe('No time was added: missing-capability');
  });

  test('6: two specialists who extend at once both count', async () => {
    const server = new FakeServer();
    server.call.settings.limits.max_duration_seconds = 3600;
    const [one, two] = [await callPage(null, { server }), await callPage(null, { server, user: 'dr-chilton' })];
    const both = [one.call.extend({ seconds: 300 }), two.call.extend({ seconds: 300 })];
    await one.advance(10);
    await Promise.all(both);
    expect(one.call.clock.timer.getSnapshot().remainingMs).toBeGreaterThan(69 * MINUTE);
    expect(two.call.clock.timer.getSnapshot()).toEqual(one.call.clock.timer.getSnapshot());
  });

  test('7: participants who come and go restart no timer and draw no countdown again', async () => {
    let drawn = 0;
    const Counting = () => {
      drawn += 1;
      useSessionTimer();
      return null;
    };
    const { server, advance } = await callPage(<Counting />);
    await advance(500);
    const [before, started] = [drawn, vi.spyOn(server.timers, 'setTimeout')];
    for (let turn = 0; turn < 20; turn += 1) {
      server.participantJoins(`guest-${turn}`);
      await advance(10);
    }
    expect(drawn).toBe(before);
    // Each event restarts the stream's watch for silence (25 s); a countdown would wait for a second at most.
    expect(started.mock.calls.filter(([, ms]) => ms <= 1_000)).toEqual([]);
  });

  test('8: without a limit there is no number at all, and nothing to extend', async () => {
    await callPage(
      <>
        <SessionTimer />
        <ExtendSessionButton duration={300} />
      </>,
      { minutes: null },
    );
    expect(screen.getByRole('timer').textContent).toBe('No time limit');
    expect(screen.queryByRole('button')).toBeNull();
  });

  test('9: a page that goes away before it has joined leaves nobody behind', async () => {
    const server = new FakeServer();
    server.latencyMs = { up: 100, down: 100 };
    const call = server.client('bill').call('appointment', 'test-call');
    const joined = expect(call.join()).rejects.toMatchObject({ code: 'left-before-joined' });
    await server.timers.advance(120);
    const left = call.leave();
    await server.timers.advance(1_000);
    await Promise.all([joined, left]);
    expect(server.call.session?.participants).toEqual([]);
  });
});
