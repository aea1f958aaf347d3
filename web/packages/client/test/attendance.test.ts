import { describe, expect, test, vi } from 'vitest';
import { CallingState, type ConnectMedia, type MediaListener, type MediaRequest } from '../src/index.js';
import { FakeServer } from '../src/testing/index.js';
import { MINUTE, attending } from './attending.js';

function page() {
  const server = new FakeServer();
  const call = server.client('bill').call('appointment', 'test-call');
  const sent = () => server.requests.map(({ method, path }) => `${method} ${path.split('/').at(-1)}`);
  return { server, call, timers: server.timers, sent, state: () => call.state.getSnapshot() };
}

/** A media room in memory: `rooms` are the connections made, in their order. */
function fakeMedia() {
  const rooms: { listener: MediaListener; request: MediaRequest; disconnect: ReturnType<typeof vi.fn> }[] = [];
  const connectMedia: ConnectMedia = (request) => {
    const disconnect = vi.fn(() => Promise.resolve());
    rooms.push({ listener: request.listener, request, disconnect });
    return Promise.resolve({ room: {} as never, devices: () => ({ camera: false }), disconnect });
  };
  return { rooms, connectMedia };
}

async function inMediaRoom() {
  const { rooms, connectMedia } = fakeMedia();
  const server = new FakeServer();
  server.mediaUrl = 'ws://media.test';
  server.call.settings.media.engine = 'livekit';
  const call = server.client('bill', { connectMedia }).call('appointment', 'test-call');
  const joined = call.join();
  await server.timers.advance(0);
  await joined;
  return { server, call, rooms, timers: server.timers, state: () => call.state.getSnapshot() };
}

describe('join and leave', () => {
  test('a join tells the place, the capabilities and the deadline', async () => {
    const { state, remaining } = await attending(60);
    expect(state().callingState).toBe(CallingState.JOINED);
    expect(state().session?.participants).toHaveLength(1);
    expect(state().ownCapabilities).toContain('join-call');
    expect(remaining()).toBe(60 * MINUTE);
  });

  test('joining twice is one join', async () => {
    const { call, timers, sent } = page();
    const both = [call.join(), call.join()];
    await timers.advance(0);
    await Promise.all(both);
    expect(sent().filter((request) => request === 'POST join')).toHaveLength(1);
  });

  test('leaving before the join resolved ends outside, and the server is told', async () => {
    const { server, call, timers, sent, state } = page();
    server.latencyMs = { up: 100, down: 100 };
    const joined = expect(call.join()).rejects.toMatchObject({ code: 'left-before-joined' });
    await timers.advance(150);
    const left = call.leave();
    await timers.advance(1_000);
    await Promise.all([joined, left]);
    expect(state().callingState).toBe(CallingState.LEFT);
    expect(sent()).toEqual(['POST join', 'POST leave']);
    expect(server.call.session?.participants).toEqual([]);
  });

  test('a mount, unmount and mount in one tick (StrictMode) is one join', async () => {
    const { server, call, timers, sent, state } = page();
    const first = call.join();
    const left = call.leave();
    const second = call.join();
    await timers.advance(0);
    await Promise.all([first, left, second]);
    expect(sent()).toEqual(['POST join']);
    expect(state().callingState).toBe(CallingState.JOINED);
    expect(server.call.session?.participants).toHaveLength(1);
  });

  test('joining again while the leave is under way keeps the new place', async () => {
    const { server, call, timers, state } = page();
    server.latencyMs = { up: 50, down: 50 };
    const first = call.join();
    await timers.advance(200);
    await first;
    const left = call.leave();
    await timers.advance(10);
    const second = call.join();
    await timers.advance(1_000);
    await Promise.all([left, second]);
    expect(state().callingState).toBe(CallingState.JOINED);
    expect(server.call.session?.participants.map((one) => one.user_id)).toEqual(['bill']);
  });

  test('a refused join is a state with a reason, and can be tried again', async () => {
    const { server, call, timers, state } = page();
    server.refusals['join'] = { status: 403, code: 'missing-capability' };
    const refused = expect(call.join()).rejects.toMatchObject({ code: 'missing-capability', status: 403 });
    await timers.advance(0);
    await refused;
    expect(state()).toMatchObject({ callingState: CallingState.JOIN_FAILED, joinError: { code: 'missing-capability' } });
    delete server.refusals['join'];
    const joined = call.join();
    await timers.advance(0);
    await joined;
    expect(state().callingState).toBe(CallingState.JOINED);
  });

  test('a join waits for the event stream, but not for ever', async () => {
    const { server, call, timers, state } = page();
    server.isSilent = true;
    const joined = call.join();
    await timers.advance(2_100);
    await joined;
    expect(server.requests[0]?.body).not.toHaveProperty('connection_id');
    expect(state().callingState).toBe(CallingState.JOINED);
  });

  test('leaving rejects nothing when the server no longer has us', async () => {
    const { server, call, timers } = await attending();
    server.refusals['leave'] = { status: 404, code: 'call-not-found' };
    const left = call.leave();
    await timers.advance(0);
    await expect(left).resolves.toBeUndefined();
  });

  test('losing every right puts the page out, with the reason', async () => {
    const { server, state, timers } = await attending();
    server.emit('call.permissions_updated', { user: { id: 'bill' }, own_capabilities: [] });
    await timers.advance(0);
    expect(state()).toMatchObject({ callingState: CallingState.LEFT, leftReason: 'removed' });
  });
});

describe('media room', () => {
  test('is left with the call', async () => {
    const { call, rooms, timers } = await inMediaRoom();
    const left = call.leave();
    await timers.advance(0);
    await left;
    expect(rooms[0]?.disconnect).toHaveBeenCalledOnce();
  });

  test('that cannot be reached gives the place back', async () => {
    const server = new FakeServer();
    server.mediaUrl = 'ws://media.test';
    const connectMedia = () => Promise.reject(new Error('no route'));
    const call = server.client('bill', { connectMedia }).call('appointment', 'test-call');
    const failed = expect(call.join()).rejects.toMatchObject({ code: 'media-unreachable' });
    await server.timers.advance(10);
    await failed;
    expect(call.state.getSnapshot().callingState).toBe(CallingState.JOIN_FAILED);
    expect(server.call.session?.participants).toEqual([]);
  });

  test('a connection that comes back by itself shows as reconnecting meanwhile', async () => {
    const { rooms, state } = await inMediaRoom();
    rooms[0]?.listener.reconnecting();
    expect(state().callingState).toBe(CallingState.RECONNECTING);
    rooms[0]?.listener.reconnected();
    expect(state().callingState).toBe(CallingState.JOINED);
  });

  test('that was lost is entered again, with the devices as they were', async () => {
    const { rooms, state, timers } = await inMediaRoom();
    rooms[0]?.listener.disconnected('lost');
    expect(state().callingState).toBe(CallingState.RECONNECTING);
    await timers.advance(10_000);
    expect(state().callingState).toBe(CallingState.JOINED);
    expect(rooms).toHaveLength(2);
    expect(rooms[1]?.request.devices).toEqual({ camera: false });
  });

  test('that stays unreachable ends with a word after two minutes', async () => {
    const { server, rooms, state, timers } = await inMediaRoom();
    server.disconnect();
    rooms[0]?.listener.disconnected('lost');
    await timers.advance(4 * MINUTE);
    expect(state()).toMatchObject({ callingState: CallingState.LEFT, leftReason: 'connection-lost' });
  });

  test('taken by another window of the same tab says so', async () => {
    const { rooms, state, timers } = await inMediaRoom();
    rooms[0]?.listener.disconnected('joined-elsewhere');
    await timers.advance(0);
    expect(state()).toMatchObject({ callingState: CallingState.LEFT, leftReason: 'joined-elsewhere' });
  });

  test('closed by the end of the call is an end, not a loss', async () => {
    const { server, rooms, state, timers } = await inMediaRoom();
    server.isSilent = true;
    server.endCall('max_duration_reached');
    rooms[0]?.listener.disconnected('room-closed');
    await timers.advance(100);
    expect(state()).toMatchObject({ callingState: CallingState.ENDED, leftReason: undefined });
    expect(rooms).toHaveLength(1);
  });

  test('a camera that would not start is told beside the call', async () => {
    const { rooms, state } = await inMediaRoom();
    rooms[0]?.listener.deviceChanged('camera', new Error('refused'));
    expect(state().deviceErrors.camera?.message).toBe('refused');
    expect(state().callingState).toBe(CallingState.JOINED);
  });
});
