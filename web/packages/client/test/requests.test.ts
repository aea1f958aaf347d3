import { describe, expect, test } from 'vitest';
import { CallclockError, RestClient, ServerClock, TokenSource, resolveBaseUrl } from '../src/index.js';
import { ManualTimers } from '../src/testing/index.js';
import { attending } from './attending.js';

interface Reply {
  status?: number;
  body?: unknown;
  fails?: boolean;
}

/** A client whose server gives these replies in turn. */
function talking(replies: Reply[], tokenProvider?: () => string) {
  const timers = new ManualTimers();
  const sent: { url: string; init: RequestInit }[] = [];
  const rest = new RestClient({
    baseUrl: 'http://server.test',
    apiKey: 'key',
    tokens: new TokenSource(tokenProvider === undefined ? { token: 'bill' } : { tokenProvider }),
    serverClock: new ServerClock(timers),
    timers,
    random: () => 1,
    timeoutMs: 15_000,
    fetch: (url, init) => {
      sent.push({ url, init });
      const reply = replies.shift();
      if (reply?.fails === true) return Promise.reject(new TypeError('fetch failed'));
      if (reply === undefined) return new Promise((_, reject) => init.signal?.addEventListener('abort', reject));
      const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {});
      return Promise.resolve(new Response(text, { status: reply.status ?? 200 }));
    },
  });
  return { rest, timers, sent };
}

const problem = (status: number, code: string) => ({ status, body: { status, code, title: code, detail: `${code}!` } });

describe('requests', () => {
  test('say who asks', async () => {
    const { rest, sent } = talking([{}]);
    await rest.request({ method: 'GET', path: '/v1/users', query: { limit: 5, next: undefined } });
    expect(sent[0]?.url).toBe('http://server.test/v1/users?limit=5');
    expect(sent[0]?.init.headers).toMatchObject({ Authorization: 'Bearer bill', 'X-Api-Key': 'key' });
  });

  test('a problem becomes an error with the server\'s code and fields', async () => {
    const errors = [{ field: 'data.custom', detail: 'too large', code: 'invalid-value' }];
    const body = { status: 422, code: 'invalid-value', title: 'x', detail: 'y', errors, request_id: 'r-1' };
    const { rest } = talking([{ status: 422, body }]);
    const failed = rest.request({ method: 'POST', path: '/v1/roles', body: {} });
    await expect(failed).rejects.toMatchObject({ name: 'CallclockError', code: 'invalid-value', status: 422, errors, requestId: 'r-1' });
    await expect(failed).rejects.toBeInstanceOf(CallclockError);
  });

  test('a page of a proxy is no answer', async () => {
    const { rest } = talking([{ status: 413, body: '<html>' }]);
    const failed = rest.request({ method: 'POST', path: '/v1/roles' });
    await expect(failed).rejects.toMatchObject({ code: 'unexpected-answer', status: 413 });
  });

  test('a read is repeated after a lost answer, a plain write is not', async () => {
    const read = talking([{ fails: true }, problem(503, 'not-ready'), { body: { ok: 1 } }]);
    const answer = read.rest.request({ method: 'GET', path: '/x' });
    await read.timers.advance(2_000);
    await expect(answer).resolves.toEqual({ ok: 1 });
    const write = talking([{ fails: true }, {}]);
    await expect(write.rest.request({ method: 'POST', path: '/x' })).rejects.toMatchObject({ code: 'network-unreachable' });
    expect(write.sent).toHaveLength(1);
  });

  test('a refusal is never repeated', async () => {
    const { rest, sent } = talking([problem(403, 'call-ended')]);
    await expect(rest.request({ method: 'GET', path: '/x' })).rejects.toMatchObject({ code: 'call-ended' });
    expect(sent).toHaveLength(1);
  });

  test('silence ends with an error', async () => {
    const { rest, timers } = talking([]);
    const failed = expect(rest.request({ method: 'POST', path: '/x' })).rejects.toMatchObject({ code: 'request-timeout' });
    await timers.advance(15_100);
    await failed;
  });

  test('an expired token is renewed once', async () => {
    let count = 0;
    const { rest, sent } = talking([problem(401, 'token-expired'), { body: { ok: 1 } }], () => `t-${++count}`);
    await expect(rest.request({ method: 'POST', path: '/x' })).resolves.toEqual({ ok: 1 });
    expect(sent.map(({ init }) => new Headers(init.headers).get('Authorization'))).toEqual(['Bearer t-1', 'Bearer t-2']);
  });

  test('a token near its end is renewed before it is used', async () => {
    const jwt = (exp: number) => `h.${btoa(JSON.stringify({ exp }))}.s`;
    const timers = new ManualTimers();
    const tokens = [jwt(timers.trueNow / 1000 + 10), jwt(timers.trueNow / 1000 + 3600)];
    const source = new TokenSource({ token: tokens[0], tokenProvider: () => tokens[1] ?? '' });
    await expect(source.get(timers.trueNow)).resolves.toBe(tokens[1]);
  });

  test('a client without a token says what is missing', () => {
    expect(() => new TokenSource({})).toThrow(/tokenProvider/);
  });

  test('the server is found by option, global, environment, in that order', () => {
    const surroundings = globalThis as { CALLCLOCK_URL?: string };
    process.env['CALLCLOCK_URL'] = 'http://environment.test/';
    expect(resolveBaseUrl()).toBe('http://environment.test');
    surroundings.CALLCLOCK_URL = 'http://global.test';
    expect(resolveBaseUrl()).toBe('http://global.test');
    expect(resolveBaseUrl('http://option.test//')).toBe('http://option.test');
    delete surroundings.CALLCLOCK_URL;
    delete process.env['CALLCLOCK_URL'];
    expect(resolveBaseUrl()).toBe('http://127.0.0.1:8000');
  });
});

describe('extend', () => {
  test('asked for again after a lost answer, it adds once', async () => {
    const { server, call, timers, remaining } = await attending(60);
    server.latencyMs = { up: 0, down: 100 };
    const extended = call.extend({ seconds: 300 });
    await timers.advance(50);
    server.isReachable = false;
    await timers.advance(60);
    server.isReachable = true;
    await timers.advance(5_000);
    await extended;
    expect(server.requests.filter(({ path }) => path.endsWith('extend'))).toHaveLength(2);
    expect(server.call.ledger).toHaveLength(1);
    expect(remaining()).toBeGreaterThan(64 * 60_000);
  });
});
