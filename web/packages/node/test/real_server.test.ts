/** Both SDKs against the real server: a socket, a database, and time that passes by itself. */
import { type Call, CallingState, type CallState, StreamVideoClient, endedAt, endedReason } from '@callclock/client';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, snippet, tutorialIsHere, withOurImports } from '../../client/test/tutorial.js';
import * as callclockNode from '../src/index.js';
import { type RealServer, serverIsHere, startServer } from './real_server.js';

const { StreamClient, VideoOwnCapability } = callclockNode;
const MEMBER = [VideoOwnCapability.JOIN_CALL];
const SPECIALIST = [...MEMBER, VideoOwnCapability.UPDATE_CALL, VideoOwnCapability.UPDATE_CALL_SETTINGS];

/** Resolves when the call's state is as wanted; fails with the state when it never is. */
function until(call: Call, wanted: (state: CallState) => boolean, withinMs = 8_000): Promise<CallState> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const state = call.state.getSnapshot();
      if (!wanted(state)) return;
      clearTimeout(timeout);
      stop();
      resolve(state);
    };
    const timeout = setTimeout(() => {
      stop();
      reject(new Error(`still ${call.state.getSnapshot().callingState} after ${withinMs} ms`));
    }, withinMs);
    const stop = call.state.subscribe(look);
    look();
  });
}

function serverTests() {
  let server: RealServer;
  let admin: callclockNode.StreamClient;
  const clients: StreamVideoClient[] = [];

  beforeAll(async () => {
    server = await startServer();
    admin = new StreamClient(server.apiKey, server.secret, { baseUrl: server.url });
    for (const name of ['doctor', 'client']) await admin.createRole({ name });
    await admin.video.createCallType('visit', {
      grants: { doctor: SPECIALIST, client: MEMBER },
      settings: { media: { engine: 'none' }, limits: { max_duration_seconds: 3600 } },
    });
    await admin.upsertUsers({
      users: { ann: { id: 'ann', name: 'Dr. Ann', role: 'doctor' }, bob: { id: 'bob', role: 'client' } },
    });
  }, 90_000);

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await server.stop();
  }, 30_000);

  async function visit(id: string, seconds: number) {
    await admin.video.call('visit', id).create({
      data: {
        members: [{ user_id: 'ann' }, { user_id: 'bob' }],
        created_by_id: 'ann',
        settings_override: { limits: { max_duration_seconds: seconds } },
      },
    });
    const page = (userId: string) => {
      const client = new StreamVideoClient({
        apiKey: server.apiKey,
        user: { id: userId },
        token: admin.createToken({ user_id: userId }),
        baseUrl: server.url,
        openSocket: (url) => new WebSocket(url) as never,
      });
      clients.push(client);
      return client.call('visit', id);
    };
    return { ann: page('ann'), bob: page('bob') };
  }

  test('two people see each other, the same deadline, and an extension', async () => {
    const { ann, bob } = await visit('together', 3600);
    await Promise.all([ann.join(), bob.join()]);
    await Promise.all([ann, bob].map((call) => until(call, (state) => state.session?.participants.length === 2)));
    const before = bob.state.getSnapshot().session?.timer_ends_at;
    const { change } = await ann.extend({ seconds: 300 });
    expect(change?.old_ends_at).toBe(before);
    const after = await until(bob, (state) => state.session?.timer_ends_at === change?.new_ends_at);
    expect(after.changes.map(({ how, seconds }) => `${how} ${seconds}`)).toContain('extend 300');
    const [one, other] = [ann, bob].map((call) => call.clock.timer.getSnapshot().remainingMs ?? 0);
    expect(Math.abs((one ?? 0) - (other ?? 0))).toBeLessThanOrEqual(1_000);
    await expect(bob.extend({ seconds: 300 })).rejects.toMatchObject({ code: 'missing-capability', status: 403 });
    await Promise.all([ann.leave(), bob.leave()]);
  });

  test('two extensions at once both count, and the ledger adds up', async () => {
    const { ann } = await visit('ledger', 600);
    await ann.join();
    await Promise.all([ann.extend({ seconds: 60 }), ann.extend({ seconds: 60 })]);
    const session = ann.state.getSnapshot().session;
    const { ledger } = await ann.ledger(session?.id ?? '');
    const sum = ledger.reduce((total, row) => total + row.seconds, 0);
    expect(sum).toBe(720);
    expect(Date.parse(session?.timer_ends_at ?? '') - Date.parse(session?.started_at ?? '')).toBe(720_000);
    await ann.leave();
  });

  test('the call ends by itself in both pages, with reason and deadline', async () => {
    const { ann, bob } = await visit('short', 3);
    await Promise.all([ann.join(), bob.join()]);
    const deadline = ann.state.getSnapshot().session?.timer_ends_at;
    for (const call of [ann, bob]) {
      const state = await until(call, ({ callingState }) => callingState === CallingState.ENDED);
      expect(endedReason(state)).toBe('max_duration_reached');
      expect(Date.parse(endedAt(state) ?? '')).toBe(Date.parse(deadline ?? ''));
    }
    await expect(ann.join()).rejects.toMatchObject({ code: 'call-ended' });
  });

  test('who leaves before having joined is not in the call', async () => {
    const { ann, bob } = await visit('hasty', 600);
    await bob.join();
    const joined = ann.join().catch((error: unknown) => (error as callclockNode.CallclockError).code);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await ann.leave();
    expect(await joined).toBe('left-before-joined');
    const { call } = await bob.get();
    expect(call.session?.participants.map((one) => one.user_id)).toEqual(['bob']);
    await bob.leave();
  });

  test('a stranger to the call learns nothing of it', async () => {
    await visit('private', 600);
    await admin.upsertUsers({ users: { eve: { id: 'eve', role: 'client' } } });
    const eve = new StreamVideoClient({
      apiKey: server.apiKey,
      user: { id: 'eve' },
      token: admin.createToken({ user_id: 'eve' }),
      baseUrl: server.url,
      openSocket: (url) => new WebSocket(url) as never,
    });
    clients.push(eve);
    await expect(eve.call('visit', 'private').join()).rejects.toMatchObject({ code: 'call-not-found', status: 404 });
  });

  if (!tutorialIsHere) return;
  test('the tutorial\'s script sets everything up', async () => {
    const script = withOurImports(snippet('script'))
      .replace('REPLACE_WITH_API_KEY', server.apiKey)
      .replace('REPLACE_WITH_SECRET', server.secret);
    process.env['CALLCLOCK_URL'] = server.url;
    await run(script, { '@callclock/node': callclockNode }, []);
    delete process.env['CALLCLOCK_URL'];
    const { call, members } = await admin.video.call('appointment', 'test-call').get();
    expect(call.settings.limits.max_duration_seconds).toBe(3600);
    expect(members.map((member) => member.user_id).toSorted()).toEqual(['bill', 'dr-lecter']);
  });
}

if (serverIsHere) describe('against the real server', { timeout: 30_000 }, serverTests);
else test('against the real server: not run, this checkout has no environment for it', () => undefined);
