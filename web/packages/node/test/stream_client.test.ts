import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { StreamClient, VideoOwnCapability, serverToken } from '../src/index.js';
import { recordingServer } from './recording_server.js';

function claims(token: string, secret: string): Record<string, unknown> {
  const [header = '', body = '', signature] = token.split('.');
  expect(createHmac('sha256', secret).update(`${header}.${body}`).digest('base64url')).toBe(signature);
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'HS256', typ: 'JWT' });
  return JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
}

describe('tokens', () => {
  const client = new StreamClient('key', 'secret', { baseUrl: 'http://127.0.0.1:1' });

  test('a user token is signed, names the user, and expires', () => {
    const token = client.generateUserToken({ user_id: 'bill', validity_in_seconds: 60 });
    const { user_id, iat, exp } = claims(token, 'secret');
    expect(user_id).toBe('bill');
    expect(Number(exp) - Number(iat)).toBe(60);
    expect(Math.abs(Number(iat) - Date.now() / 1000)).toBeLessThan(2);
  });

  test('a user token can be bound to calls, and lasts an hour by default', () => {
    const token = client.createToken({ user_id: 'bill', call_cids: ['appointment:a'] });
    const { call_cids, iat, exp } = claims(token, 'secret');
    expect(call_cids).toEqual(['appointment:a']);
    expect(Number(exp) - Number(iat)).toBe(3600);
  });

  test('a token without a user or without a future is refused', () => {
    expect(() => client.createToken({ user_id: '' })).toThrow(RangeError);
    expect(() => client.createToken({ user_id: 'bill', validity_in_seconds: 0 })).toThrow(RangeError);
  });

  test('a server token says so and nothing else', () => {
    expect(claims(serverToken('secret'), 'secret')).toEqual({ server: true });
  });
});

describe('stream client', () => {
  test('every method asks the path of the contract', async () => {
    await using server = await recordingServer();
    const client = new StreamClient('key', 'secret', { baseUrl: server.url });
    const call = client.video.call('appointment', 'a/b');
    await call.getOrCreate({ data: { created_by_id: 'x' } });
    await call.get();
    await call.update({ custom: { room: 1 } });
    await call.updateMembers({ remove_members: ['bill'] });
    await call.end();
    await call.reopen();
    await call.sessions({ limit: 2 });
    await call.session('s');
    await call.ledger('s');
    await call.record('s');
    await call.delete();
    await client.video.queryCalls({ filter: { ongoing: true } });
    await client.video.listCallTypes();
    await client.video.updateCallType('appointment', { members_only: true });
    await client.video.deleteCallType('appointment');
    await client.video.listCapabilities();
    await client.listRoles();
    await client.deleteRole('patient');
    await client.listUsers({ limit: 5 });
    await client.getUser('bill');
    await client.deleteUser('bill');
    await client.recordKeys();
    await client.testClock.now();
    await client.testClock.advance(3600);
    expect(server.requests.map(({ method, path }) => `${method} ${path.replace('/v1/calls/appointment/a%2Fb', ':call')}`)).toEqual([
      'POST :call',
      'GET :call',
      'PATCH :call',
      'POST :call/members',
      'POST :call/end',
      'POST :call/reopen',
      'GET :call/sessions?limit=2',
      'GET :call/sessions/s',
      'GET :call/sessions/s/ledger',
      'GET :call/sessions/s/record',
      'DELETE :call',
      'POST /v1/calls/query',
      'GET /v1/call_types',
      'PATCH /v1/call_types/appointment',
      'DELETE /v1/call_types/appointment',
      'GET /v1/capabilities',
      'GET /v1/roles',
      'DELETE /v1/roles/patient',
      'GET /v1/users?limit=5',
      'GET /v1/users/bill',
      'DELETE /v1/users/bill',
      'GET /.well-known/callclock-record-keys.json',
      'GET /v1/test_clock',
      'POST /v1/test_clock/advance',
    ]);
  });

  test('the rules of a session are asked under the paths of the contract, each once', async () => {
    await using server = await recordingServer();
    const call = new StreamClient('key', 'secret', { baseUrl: server.url }).video.call('appointment', 'a');
    await call.startClock({ reason: 'both are here' });
    await call.pauseClock({ reason: 'a fire alarm' });
    await call.resumeClock();
    await call.goLive();
    await call.stopLive();
    await call.admit('bill');
    await call.waiting();
    await call.acceptOffer('o/1', { user_id: 'bill' });
    await call.declineOffer('o/1', { user_id: 'bill' });
    await call.requestExtension({ seconds: 300, user_id: 'bill' });
    await call.approveRequest('r', { price_text: '€ 20' });
    await call.declineRequest('r', { reason: 'no time' });
    await call.verification('s');
    const said = server.requests.map(({ method, path, body }) =>
      `${method} ${path.replace('/v1/calls/appointment/a/', '')} ${body === undefined ? '' : JSON.stringify(body)}`.trim(),
    );
    expect(said).toEqual([
      'POST start_clock {"reason":"both are here"}',
      'POST pause {"reason":"a fire alarm"}',
      'POST resume {}',
      'POST go_live {}',
      'POST stop_live {}',
      'POST admit {"user_id":"bill"}',
      'GET waiting',
      'POST extension_offers/o%2F1/accept {"user_id":"bill"}',
      'POST extension_offers/o%2F1/decline {"user_id":"bill"}',
      'POST extension_requests {"seconds":300,"user_id":"bill"}',
      'POST extension_requests/r/approve {"price_text":"€ 20"}',
      'POST extension_requests/r/decline {"reason":"no time"}',
      'GET sessions/s/verification',
    ]);
    const keys = server.requests.filter(({ method }) => method === 'POST').map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(11);
  });

  test('it signs in as a server, with the key', async () => {
    await using server = await recordingServer();
    await new StreamClient('key', 'secret', { baseUrl: server.url }).listRoles();
    const { authorization = '', 'x-api-key': key } = server.requests[0]?.headers ?? {};
    expect(key).toBe('key');
    expect(claims(authorization.replace('Bearer ', ''), 'secret')).toEqual({ server: true });
  });

  test('each extension has a key of its own, unless one is given', async () => {
    await using server = await recordingServer();
    const call = new StreamClient('key', 'secret', { baseUrl: server.url }).video.call('appointment', 'a');
    await call.extend({ seconds: 60 });
    await call.extend({ seconds: 60 });
    await call.extend({ seconds: 60, idempotency_key: 'mine', reason: 'late start' });
    const bodies = server.requests.map(({ body }) => body as { idempotency_key: string });
    expect(new Set(bodies.map((body) => body.idempotency_key)).size).toBe(3);
    expect(bodies[2]).toEqual({ seconds: 60, idempotency_key: 'mine', reason: 'late start' });
  });

  test('a refusal is an error with the server\'s code', async () => {
    await using server = await recordingServer({ status: 409, code: 'already-exists', title: 't', detail: 'd' }, 409);
    const client = new StreamClient('key', 'secret', { baseUrl: server.url });
    await expect(client.createRole({ name: 'patient' })).rejects.toMatchObject({ code: 'already-exists', status: 409 });
  });

  test('capabilities are named as in the grants', () => {
    expect(VideoOwnCapability.JOIN_CALL).toBe('join-call');
    expect(VideoOwnCapability.CHANGE_MAX_DURATION).toBe('change-max-duration');
    for (const [name, value] of Object.entries(VideoOwnCapability)) {
      expect(value).toBe(name.toLowerCase().replaceAll('_', '-'));
    }
  });
});
