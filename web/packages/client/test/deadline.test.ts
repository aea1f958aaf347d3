import { describe, expect, test } from 'vitest';
import { CallingState, endedAt, endedReason } from '../src/index.js';
import { MINUTE, attending } from './attending.js';

describe('end at the deadline', () => {
  test('the server says so, and the page knows why and when', async () => {
    const { server, timers, state } = await attending(1);
    const deadline = state().session?.timer_ends_at;
    await timers.advance(MINUTE + 20);
    expect(state().callingState).toBe(CallingState.ENDED);
    expect(endedReason(state())).toBe('max_duration_reached');
    expect(endedAt(state())).toBe(deadline);
    expect(state().session).toMatchObject({ ended_at: deadline, timer_ends_at: deadline });
    expect(server.call.session).toBeNull();
  });

  test('the page leaves at the known deadline when stream and server are dead', async () => {
    const { server, timers, state } = await attending(1);
    const deadline = state().session?.timer_ends_at;
    server.disconnect();
    await timers.advance(MINUTE - 100);
    expect(state().callingState).not.toBe(CallingState.ENDED);
    await timers.advance(101);
    expect(state().callingState).toBe(CallingState.ENDED);
    expect(endedReason(state())).toBe('max_duration_reached');
    expect(endedAt(state())).toBe(deadline);
  });

  test('a stream that is open but silent delays it by a second at most', async () => {
    const { server, timers, state } = await attending(1);
    server.isSilent = true;
    server.isReachable = false;
    await timers.advance(MINUTE + 1_001);
    expect(state().callingState).toBe(CallingState.ENDED);
  });

  test('an extension that a dead stream did not bring is learnt before the deadline', async () => {
    const { server, timers, state, remaining } = await attending(1);
    server.isSilent = true;
    server.dropSockets();
    server.extend(300, { isLost: true });
    await timers.advance(MINUTE + 500);
    expect(state().callingState).not.toBe(CallingState.ENDED);
    expect(remaining()).toBeGreaterThan(4 * MINUTE);
  });

  test('an extension in the last moment wins over the deadline', async () => {
    const { server, timers, state } = await attending(1);
    await timers.advance(MINUTE - 10);
    server.isSilent = true;
    server.extend(300, { isLost: true });
    await timers.advance(2_000);
    expect(state().callingState).toBe(CallingState.JOINED);
  });

  test('joining after the end is refused with the server\'s code', async () => {
    const { call, timers } = await attending(1);
    await timers.advance(MINUTE + 1_000);
    const refused = expect(call.join()).rejects.toMatchObject({ code: 'call-ended' });
    await timers.advance(10);
    await refused;
  });

  test('leaving after the end keeps the reason', async () => {
    const { call, timers, state } = await attending(1);
    await timers.advance(MINUTE + 1_000);
    const left = call.leave();
    await timers.advance(0);
    await left;
    expect(state().callingState).toBe(CallingState.ENDED);
  });

  test('ending by hand ends for this page as well', async () => {
    const { call, timers, state } = await attending(1);
    const ended = call.end();
    await timers.advance(0);
    await ended;
    expect(state().callingState).toBe(CallingState.ENDED);
    expect(endedReason(state())).toBe('ended_by_user');
  });
});
