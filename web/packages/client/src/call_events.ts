import type { CallEvent, CallEventType } from './wire_events.js';

export type CallEventName = CallEventType | 'all';
export type CallEventHandler = (event: CallEvent) => void;

/** Hands events to listeners, and judges by their ids whether one was missed. */
export class CallEvents {
  readonly #handlers = new Map<CallEventName, Set<CallEventHandler>>();
  #lastId = 0;

  on(name: CallEventName, handler: CallEventHandler): () => void {
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  emit(event: CallEvent): void {
    for (const name of [event.type, 'all'] as const) {
      for (const handler of [...(this.#handlers.get(name) ?? [])]) handler(event);
    }
  }

  /** Ids are contiguous within a call: `gap` when this one is beyond the next of all that is known. */
  arrived(id: number, stateEventId: number | undefined): 'next' | 'repeated' | 'gap' {
    if (id <= this.#lastId) return 'repeated';
    const known = Math.max(this.#lastId, stateEventId ?? id - 1);
    this.#lastId = id;
    return id > known + 1 ? 'gap' : 'next';
  }
}
