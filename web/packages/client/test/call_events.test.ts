import { describe, expect, test } from 'vitest';
import { CallingState } from '../src/index.js';
import { MINUTE, attending } from './attending.js';

describe('events of a call', () => {
  test('an extension elsewhere moves the deadline here', async () => {
    const { server, timers, remaining, state } = await attending(60);
    server.extend(300);
    await timers.advance(0);
    expect(remaining()).toBe(65 * MINUTE);
    expect(state().changes.map((change) => change.seconds)).toEqual([300]);
  });

  test('a gap in the ids makes the call read its state again', async () => {
    const { server, timers, state } = await attending(60);
    server.extend(300, { isLost: true });
    server.participantJoins('dr-lecter');
    const reads = () => server.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('test-call'));
    await timers.advance(0);
    expect(reads()).toHaveLength(1);
    expect(state().call?.last_event_id).toBe(server.call.lastEventId);
  });

  test('events in a row cause no reading', async () => {
    const { server, timers } = await attending(60);
    server.participantJoins('dr-lecter');
    server.extend(60);
    await timers.advance(0);
    expect(server.requests.filter(({ method }) => method === 'GET')).toEqual([]);
  });

  test('an older state never replaces a newer one', async () => {
    const { server, call, timers, remaining } = await attending(60);
    server.latencyMs = { up: 0, down: 500 };
    const slow = call.get();
    await timers.advance(100);
    server.extend(300);
    await timers.advance(500);
    await slow;
    expect(remaining()).toBeGreaterThan(64 * MINUTE);
  });

  test('a reconnect misses nothing: state, watching and presence are back', async () => {
    const { server, timers, state, remaining } = await attending(60);
    server.disconnect();
    await timers.advance(5_000);
    expect(state().callingState).toBe(CallingState.RECONNECTING);
    server.extend(300, { isLost: true });
    server.call.leave(state().participantId ?? '');
    server.isReachable = true;
    await timers.advance(20_000);
    expect(state().callingState).toBe(CallingState.JOINED);
    expect(remaining()).toBeGreaterThan(64 * MINUTE);
    expect(server.call.session?.participants.map((one) => one.user_id)).toEqual(['bill']);
    server.extend(60);
    await timers.advance(0);
    expect(state().changes.at(-1)?.seconds).toBe(60);
  });

  test('a process that stops costs neither an event nor the presence', async () => {
    const { server, call, timers, state } = await attending(60);
    const ids: number[] = [];
    const states: string[] = [];
    call.on('all', (event) => ids.push(event.id));
    call.state.subscribe(() => states.push(state().callingState));
    const first = server.call.lastEventId + 1;
    server.drain(2);
    server.extend(60);
    await timers.advance(1_990);
    server.extend(60, { isLost: true });
    server.extend(60, { isLost: true });
    await timers.advance(1_000);
    server.extend(60);
    await timers.advance(0);
    expect(ids).toEqual([first, first + 1, first + 2, first + 3]);
    expect(server.socketCount).toBe(2);
    expect(new Set(states)).toEqual(new Set([CallingState.JOINED]));
    expect(server.call.session?.participants.map((one) => one.user_id)).toEqual(['bill']);
  });

  test('listeners hear each event once, by type and by all', async () => {
    const { server, call, timers } = await attending(60);
    const heard: string[] = [];
    call.on('call.session_clock_changed', (event) => heard.push(`typed ${event.id}`));
    const stop = call.on('all', (event) => heard.push(`all ${event.id}`));
    server.extend(60);
    stop();
    server.participantJoins('dr-lecter');
    await timers.advance(0);
    const id = server.call.lastEventId - 1;
    expect(heard).toEqual([`typed ${id}`, `all ${id}`]);
  });

  test('a change of rights reaches this user alone', async () => {
    const { server, timers, state } = await attending(60);
    server.emit('call.permissions_updated', { user: { id: 'dr-lecter' }, own_capabilities: [] });
    server.emit('call.permissions_updated', { user: { id: 'bill' }, own_capabilities: ['join-call'] });
    await timers.advance(0);
    expect(state().ownCapabilities).toEqual(['join-call']);
  });

  test('parts of the state that did not change stay the same objects', async () => {
    const { server, timers, state } = await attending(60);
    const before = state();
    server.participantJoins('dr-lecter');
    await timers.advance(0);
    expect(state().call?.settings).toBe(before.call?.settings);
    expect(state().ownCapabilities).toBe(before.ownCapabilities);
    expect(state().session).not.toBe(before.session);
  });
});
