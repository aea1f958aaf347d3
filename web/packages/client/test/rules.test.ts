/** Offers, requests and the waiting room, as a page takes part in them. */
import { describe, expect, test } from 'vitest';
import { CallingState } from '../src/index.js';
import { FakeServer } from '../src/testing/index.js';
import { MINUTE, attending } from './attending.js';

const MEMBER = ['join-call'];

function consenting(): FakeServer {
  const server = new FakeServer();
  server.call.addMember('bill', 'patient');
  server.call.addMember('dr-lecter', 'specialist', 'Dr. Lecter');
  server.capabilities['bill'] = MEMBER;
  server.call.settings.limits.extension.consent_roles = ['patient'];
  return server;
}

describe('offers', () => {
  test('an extension that needs consent is an offer, and moves nothing', async () => {
    const server = consenting();
    const { call, remaining } = await attending(60, { server, user: 'dr-lecter' });
    const answer = await call.extend({ seconds: 900, price_text: '€ 40' });
    expect(answer).toMatchObject({ change: null, offer: { seconds: 900, price_text: '€ 40', by: 'dr-lecter' } });
    expect(remaining()).toBe(60 * MINUTE);
    expect(call.state.getSnapshot().session?.clock.offer?.id).toBe(answer.offer?.id);
  });

  test.each([
    ['acceptOffer', 'accepted', 75],
    ['declineOffer', 'declined', 60],
  ] as const)('%s answers it: %s', async (deed, answer, minutes) => {
    const server = consenting();
    const { call, timers, state } = await attending(60, { server });
    server.offer(900, 'dr-lecter');
    await timers.advance(0);
    await call[deed](state().session?.clock.offer?.id ?? '');
    expect(state().session?.clock.offer).toBeNull();
    expect(state().answered).toMatchObject({ answer, by: { id: 'bill' }, offer: { seconds: 900 } });
    expect(call.clock.timer.getSnapshot().remainingMs).toBe(minutes * MINUTE);
  });
});

describe('requests', () => {
  test('are asked once however often the answer is lost, and are answered', async () => {
    const server = consenting();
    const { call, timers, state } = await attending(60, { server });
    server.refusals['extension_requests'] = { status: 503, code: 'not-ready' };
    const asked = call.requestExtension({ seconds: 600 });
    await timers.advance(10);
    delete server.refusals['extension_requests'];
    await timers.advance(5_000);
    const { request } = await asked;
    const sent = server.requests.filter(({ path }) => path.endsWith('extension_requests'));
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
    const doctor = server.client('dr-lecter').call('appointment', 'test-call');
    await doctor.approveRequest(request.id);
    await timers.advance(0);
    expect(state().session?.clock.requests).toEqual([]);
    expect(state().answered).toMatchObject({ answer: 'approved', by: { id: 'dr-lecter', name: 'Dr. Lecter' } });
    expect(state().changes.at(-1)).toMatchObject({ seconds: 600, by: 'dr-lecter' });
  });
});

describe('waiting room', () => {
  function backstage(): FakeServer {
    const server = consenting();
    server.call.settings.backstage.enabled = true;
    return server;
  }

  /** Bill's page, before the doors. */
  async function waiting() {
    const page = await attending(60, { server: backstage() });
    expect(page.state().callingState).toBe(CallingState.WAITING);
    return page;
  }

  test('who waits is let in by name, and is then in the call with the same place', async () => {
    const { server, timers, state } = await waiting();
    const doctor = server.client('dr-lecter').call('appointment', 'test-call');
    await doctor.join();
    const list = await doctor.waiting();
    expect(list.waiting.map((one) => one.user_id)).toEqual(['bill']);
    await doctor.admit('bill');
    await timers.advance(0);
    expect(state().callingState).toBe(CallingState.JOINED);
    expect(server.requests.filter(({ path, userId }) => path.endsWith('/join') && userId === 'bill')).toHaveLength(2);
    expect(doctor.state.getSnapshot().waiting).toEqual([]);
  });

  test('the doors open for all', async () => {
    const { server, timers, state } = await waiting();
    const doctor = server.client('dr-lecter').call('appointment', 'test-call');
    await doctor.goLive();
    await timers.advance(0);
    expect(state().callingState).toBe(CallingState.JOINED);
  });

  test('who lost the stream meanwhile is let in when it comes back', async () => {
    const { server, timers, state } = await waiting();
    server.disconnect();
    server.call.admit('bill');
    server.isReachable = true;
    await timers.advance(10_000);
    expect(state().callingState).toBe(CallingState.JOINED);
  });

  test('whoever leaves it gives the place back, and an end of the call ends the waiting', async () => {
    const { server, call, timers, state } = await waiting();
    const left = call.leave();
    await timers.advance(0);
    await left;
    expect(server.call.waiting).toEqual([]);
    const joined = call.join();
    await timers.advance(0);
    await joined;
    server.endCall('no_show');
    await timers.advance(0);
    expect(state()).toMatchObject({ callingState: CallingState.ENDED, session: { ended_reason: 'no_show' } });
  });
});

test('a no-show that is only told, and the record at the end, enter the state', async () => {
  const { server, timers, state } = await attending(60, { server: consenting() });
  server.emit('call.session_no_show', { roles: ['specialist'], action: 'tell' });
  await timers.advance(0);
  expect(state().noShow).toEqual({ roles: ['specialist'], action: 'tell' });
  const record = { session_id: state().session?.id, wall_seconds: 60 };
  server.endCall('ended_by_user', undefined, record as never);
  await timers.advance(0);
  expect(state().record).toMatchObject(record);
});
