import type { Socket } from '../event_stream.js';
import type { ClientMessage } from '../wire_events.js';

/** The client's end of a WebSocket to a fake server. */
export class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly watched = new Set<string>();
  userId: string | undefined;
  isClosed = false;
  readonly #receive: (message: ClientMessage, socket: FakeSocket) => void;

  constructor(receive: (message: ClientMessage, socket: FakeSocket) => void) {
    this.#receive = receive;
  }

  send(data: string): void {
    if (!this.isClosed) this.#receive(JSON.parse(data) as ClientMessage, this);
  }

  close(): void {
    this.isClosed = true;
  }

  /** The server says something. */
  say(message: object): void {
    if (!this.isClosed) this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** The server, or the network, closes. */
  drop(code: number, reason = ''): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.onclose?.({ code, reason });
  }
}
