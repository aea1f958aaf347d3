import { randomUUID } from 'node:crypto';
import type { RestClient, ServerTime } from '@callclock/client';

export type TestClockAnswer = {
  /** Where the clock stands, RFC 3339. */
  test_clock: { now: string };
} & ServerTime;

/**
 * The clock of a server that was started with `--test-clock`: it stands still until it is moved on. On a server
 * that runs on real time every method rejects with the code `no-test-clock`.
 */
export class TestClock {
  readonly #rest: RestClient;

  constructor(rest: RestClient) {
    this.#rest = rest;
  }

  now(): Promise<TestClockAnswer> {
    return this.#rest.request({ method: 'GET', path: '/v1/test_clock' });
  }

  /** Moves on. Whatever falls due on the way (warnings, ends) has happened, in order, when this resolves. */
  advance(seconds: number): Promise<TestClockAnswer> {
    return this.#rest.request({
      method: 'POST',
      path: '/v1/test_clock/advance',
      body: { seconds },
      idempotencyKey: randomUUID(),
      repeatable: true,
    });
  }
}
