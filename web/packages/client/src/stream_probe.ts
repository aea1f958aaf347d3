import type { Socket } from './event_stream.js';
import type { ServerClock } from './server_clock.js';
import type { TimerHandle, Timers } from './timers.js';
import type { ServerMessage } from './wire_events.js';

/** Half-way between two health checks, so that the next one can only be the answer. */
const BETWEEN_CHECKS_MS = 5_000;
/** A worse estimate than this is worth a question. */
const GOOD_ENOUGH_MS = 25;

/**
 * Reads the server's time off the event stream. Events give a lower bound; `connection.ok` answers `auth`,
 * and a `health.check` that follows a `ping` answers it: both ends of such a round trip are known.
 */
export class StreamProbe {
  readonly #serverClock: ServerClock;
  readonly #timers: Timers;
  #askedAt: number | undefined;
  #next: TimerHandle | undefined;

  constructor(options: { serverClock: ServerClock; timers: Timers }) {
    this.#serverClock = options.serverClock;
    this.#timers = options.timers;
  }

  questionSent(): void {
    this.#askedAt = this.#timers.monotonicNow();
  }

  ping(socket: Socket | undefined): void {
    this.questionSent();
    socket?.send(JSON.stringify({ type: 'ping' }));
  }

  heard(message: ServerMessage, socket: Socket | undefined): void {
    if (!('server_time' in message)) return;
    const receivedAt = this.#timers.monotonicNow();
    const serverTimeMs = Date.parse(message.server_time);
    const isAnswer = message.type === 'connection.ok' || message.type === 'health.check';
    if (isAnswer && this.#askedAt !== undefined) {
      this.#serverClock.observeRoundTrip({ serverTimeMs, sentAt: this.#askedAt, receivedAt });
      this.#askedAt = undefined;
    } else {
      this.#serverClock.observeOneWay({ serverTimeMs, receivedAt });
    }
    if (message.type === 'health.check') this.#planPing(socket);
  }

  stop(): void {
    this.#timers.clearTimeout(this.#next);
    this.#askedAt = undefined;
  }

  #planPing(socket: Socket | undefined): void {
    this.#timers.clearTimeout(this.#next);
    if (this.#serverClock.uncertaintyMs <= GOOD_ENOUGH_MS) return;
    this.#next = this.#timers.setTimeout(() => {
      this.ping(socket);
    }, BETWEEN_CHECKS_MS);
  }
}
