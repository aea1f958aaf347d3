/** Fakes that ship beside the real thing: a server in memory and time that is moved by hand. */
export { FAKE_SETTINGS, FakeCall, fakeUser } from './fake_call.js';
export { type FakeRequest, FakeServer, type TrueTimers } from './fake_server.js';
export { FakeSocket } from './fake_socket.js';
export { ManualTimers, settle } from './manual_timers.js';
