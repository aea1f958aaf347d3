import { describe, expect, test } from 'vitest';
import { backoffMs, STREAM_BACKOFF } from '../src/backoff.js';
import { EventStream } from '../src/event_stream.js';
import { ServerClock, TokenSource, type TokenProvider } from '../src/index.js';
import { FakeSocket, ManualTimers } from '../src/testing/index.js';
import type { ClientMessage } from '../src/wire_events.js';

function stream(tokens: { token?: string; tokenProvider?: TokenProvider } = { token: 'bill' }) {
  const timers = new ManualTimers();
  const sockets: FakeSocket[] = [];
  const sent: ClientMessage[] = [];
  const events = new EventStream({
    url: 'ws://server.test/v1/events',
    apiKey: 'key',
    tokens: new TokenSource(tokens),
    serverClock: new ServerClock(timers),
    timers,
    random: () => 1,
    openSocket: () => {
      const socket = new FakeSocket((message) => sent.push(message));
      sockets.push(socket);
      return socket;
    },
  });
  const accept = async () => {
    await timers.advance(0);
    const socket = sockets.at(-1);
    socket?.onopen?.();
    const server_time = new Date(timers.trueNow).toISOString();
    socket?.say({ type: 'connection.ok', connection_id: 'c-1', user_id: 'bill', server_time });
  };
  return { timers, sockets, sent, events, accept, phase: () => events.state.getSnapshot().phase };
}

const now = (timers: ManualTimers) => new Date(timers.trueNow).toISOString();

describe('event stream', () => {
  test('the token goes into the first message, never into the address', async () => {
    const { events, sent, accept } = stream();
    events.open();
    await accept();
    expect(sent[0]).toEqual({ type: 'auth', api_key: 'key', token: 'bill' });
  });

  test('after a break it comes back with the same connection id and the same calls', async () => {
    const { events, sockets, sent, accept, timers, phase } = stream();
    events.watch('appointment:a');
    await accept();
    sockets[0]?.drop(1012);
    expect(phase()).toBe('waiting');
    sent.length = 0;
    await timers.advance(300);
    await accept();
    expect(sent).toEqual([
      { type: 'auth', api_key: 'key', token: 'bill', connection_id: 'c-1' },
      { type: 'watch', cids: ['appointment:a'] },
    ]);
  });

  test('waits longer after each failure, ten seconds at most', async () => {
    const { events, sockets, timers } = stream();
    events.open();
    const waits: number[] = [];
    for (let failure = 0; failure < 8; failure += 1) {
      await timers.advance(0);
      sockets.at(-1)?.drop(1006);
      const before = timers.monotonicNow();
      while (sockets.length === failure + 1) await timers.advance(10);
      waits.push(Math.round((timers.monotonicNow() - before) / 10) * 10);
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  test('the wait is spread at random between half and the whole', () => {
    expect(backoffMs(STREAM_BACKOFF, 2, () => 0)).toBe(500);
    expect(backoffMs(STREAM_BACKOFF, 2, () => 1)).toBe(1_000);
  });

  test('25 seconds of silence are a dead connection', async () => {
    const { events, sockets, timers, accept } = stream();
    events.open();
    await accept();
    await timers.advance(24_900);
    expect(sockets).toHaveLength(1);
    await timers.advance(1_000);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.isClosed).toBe(true);
  });

  test('an expired token is replaced, and the stream goes on', async () => {
    let count = 0;
    const { events, sockets, sent, timers, accept } = stream({ tokenProvider: () => `token-${++count}` });
    events.open();
    await accept();
    sockets[0]?.drop(4002, 'token-expired');
    await timers.advance(300);
    await accept();
    expect(sent.filter((message) => message.type === 'auth').map(({ token }) => token)).toEqual(['token-1', 'token-2']);
  });

  test('a token that is refused and cannot be replaced stops the stream, with the reason', async () => {
    const { events, sockets, timers } = stream();
    events.open();
    await timers.advance(0);
    sockets[0]?.drop(4001, 'invalid-token');
    await timers.advance(60_000);
    expect(events.state.getSnapshot()).toMatchObject({ phase: 'refused', reason: 'invalid-token' });
    expect(sockets).toHaveLength(1);
  });

  test('a provider that fails is asked again', async () => {
    let failures = 2;
    const tokenProvider = () => (failures-- > 0 ? Promise.reject(new Error('down')) : Promise.resolve('bill'));
    const { events, sockets, timers } = stream({ tokenProvider });
    events.open();
    await timers.advance(5_000);
    expect(sockets).toHaveLength(1);
  });

  test('what is not a message is passed over', async () => {
    const { events, sockets, accept, phase } = stream();
    const heard: string[] = [];
    events.onMessage((message) => heard.push(message.type));
    events.open();
    await accept();
    for (const data of ['{', 'null', '{"type":5}', '[]']) sockets[0]?.onmessage?.({ data });
    expect(heard).toEqual(['connection.ok']);
    expect(phase()).toBe('open');
  });

  test('a nudge reconnects at once, and finds a dead connection within five seconds', async () => {
    const { events, sockets, timers, accept } = stream();
    events.open();
    await accept();
    events.nudge();
    await timers.advance(5_100);
    expect(sockets[0]?.isClosed).toBe(true);
    events.nudge();
    await timers.advance(0);
    expect(sockets).toHaveLength(2);
  });

  test('a connection id that somebody else resumed is given up', async () => {
    const { events, sockets, sent, timers, accept } = stream();
    events.open();
    await accept();
    sockets[0]?.drop(4000);
    sent.length = 0;
    await timers.advance(300);
    await accept();
    expect(sent[0]).not.toHaveProperty('connection_id');
  });

  test('asked to move, it opens the next connection first and lets go of the old one then', async () => {
    const { events, sockets, sent, timers, accept, phase } = stream();
    events.watch('appointment:a');
    await accept();
    const phases: string[] = [];
    events.state.subscribe(() => phases.push(phase()));
    sockets[0]?.say({ type: 'connection.reconnect', delay_seconds: 4, reason: 'draining', server_time: now(timers) });
    await timers.advance(3_900);
    expect(sockets).toHaveLength(1);
    await timers.advance(200);
    expect(sockets[0]?.isClosed).toBe(false);
    sockets[0]?.say({ type: 'call.updated', cid: 'appointment:a', id: 7, server_time: now(timers) });
    sent.length = 0;
    await accept();
    expect(sockets.map((socket) => socket.isClosed)).toEqual([true, false]);
    expect(sent).toEqual([
      { type: 'auth', api_key: 'key', token: 'bill', connection_id: 'c-1' },
      { type: 'watch', cids: ['appointment:a'], after: { 'appointment:a': 7 } },
    ]);
    expect(new Set(phases)).toEqual(new Set(['open']));
  });

  test('closed before its turn, it comes back at its turn and not sooner', async () => {
    const { events, sockets, timers, accept } = stream();
    events.open();
    await accept();
    sockets[0]?.say({ type: 'connection.reconnect', delay_seconds: 3, reason: 'draining', server_time: now(timers) });
    sockets[0]?.drop(1012, 'draining');
    await timers.advance(2_900);
    expect(sockets).toHaveLength(1);
    await timers.advance(200);
    expect(sockets).toHaveLength(2);
  });

  test('turned away by a process that stops, it tries again when told to', async () => {
    const { events, sockets, timers } = stream();
    events.open();
    await timers.advance(0);
    sockets[0]?.onopen?.();
    sockets[0]?.say({ type: 'connection.reconnect', delay_seconds: 1, reason: 'draining', server_time: now(timers) });
    sockets[0]?.drop(1012, 'draining');
    await timers.advance(900);
    expect(sockets).toHaveLength(1);
    await timers.advance(200);
    expect(sockets).toHaveLength(2);
  });

  test('a move that fails leaves the old connection, and the usual way back when that closes', async () => {
    const { events, sockets, timers, accept, phase } = stream();
    events.open();
    await accept();
    sockets[0]?.say({ type: 'connection.reconnect', delay_seconds: 0, reason: 'draining', server_time: now(timers) });
    await timers.advance(10);
    sockets[1]?.drop(1006);
    expect(phase()).toBe('open');
    sockets[0]?.drop(1012, 'draining');
    await timers.advance(300);
    await accept();
    expect(phase()).toBe('open');
  });

  test('closed means closed', async () => {
    const { events, sockets, timers, accept } = stream();
    events.open();
    await accept();
    events.close();
    await timers.advance(60_000);
    expect(sockets).toHaveLength(1);
    expect(timers.pending).toBe(0);
  });
});
