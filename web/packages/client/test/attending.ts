import { FakeServer, ManualTimers } from '../src/testing/index.js';
import type { StreamVideoClientOptions } from '../src/index.js';

export interface AttendingOptions {
  wallErrorMs?: number;
  latencyMs?: { up: number; down: number };
  client?: Partial<StreamVideoClientOptions>;
  user?: string;
  /** A server prepared beforehand. */
  server?: FakeServer;
}

/** A server with one running call of `minutes`, and a page of `bill` that has joined it. */
export async function attending(minutes = 60, options: AttendingOptions = {}) {
  const server = options.server ?? new FakeServer(new ManualTimers({ wallErrorMs: options.wallErrorMs ?? 0 }));
  server.call.settings.limits.max_duration_seconds = minutes * 60;
  server.latencyMs = options.latencyMs ?? server.latencyMs;
  const client = server.client(options.user ?? 'bill', options.client);
  const call = client.call('appointment', 'test-call');
  const joined = call.join();
  await server.timers.advance(server.latencyMs.up + server.latencyMs.down);
  await joined;
  const { timers } = server;
  const remaining = () => call.clock.timer.getSnapshot().remainingMs;
  const state = () => call.state.getSnapshot();
  return { server, client, call, timers, remaining, state };
}

/** Milliseconds that the server has left, by its own clock. */
export function truth(server: FakeServer): number {
  return (server.call.endsAtMs ?? NaN) - server.timers.trueNow;
}

export const MINUTE = 60_000;
