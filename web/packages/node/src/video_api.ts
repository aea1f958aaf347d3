import { CallApi, type QueryCallsAnswer, type RestClient } from '@callclock/client';
import type {
  CallTypeAnswer,
  CallTypeRequest,
  CallTypesAnswer,
  CallsQuery,
  CapabilitiesAnswer,
} from './administration.js';

/** Call types and calls. */
export class VideoApi {
  readonly #rest: RestClient;

  constructor(rest: RestClient) {
    this.#rest = rest;
  }

  /** One call, existing or not: nothing is sent before one of its methods is called. */
  call(type: string, id: string): CallApi {
    return new CallApi(this.#rest, type, id);
  }

  queryCalls(query: CallsQuery = {}): Promise<QueryCallsAnswer> {
    return this.#rest.request({ method: 'POST', path: '/v1/calls/query', body: query, repeatable: true });
  }

  createCallType(name: string, request: CallTypeRequest = {}): Promise<CallTypeAnswer> {
    return this.#rest.request({ method: 'POST', path: '/v1/call_types', body: { name, ...request } });
  }

  listCallTypes(): Promise<CallTypesAnswer> {
    return this.#rest.request({ method: 'GET', path: '/v1/call_types' });
  }

  getCallType(name: string): Promise<CallTypeAnswer> {
    return this.#rest.request({ method: 'GET', path: callTypePath(name) });
  }

  /** Replaces the grants of the roles given; merges settings key by key, null = back to the default. */
  updateCallType(name: string, request: CallTypeRequest): Promise<CallTypeAnswer> {
    return this.#rest.request({ method: 'PATCH', path: callTypePath(name), body: request, repeatable: true });
  }

  deleteCallType(name: string): Promise<unknown> {
    return this.#rest.request({ method: 'DELETE', path: callTypePath(name) });
  }

  /** Every capability that grants can name, with what it allows. */
  listCapabilities(): Promise<CapabilitiesAnswer> {
    return this.#rest.request({ method: 'GET', path: '/v1/capabilities' });
  }
}

function callTypePath(name: string): string {
  return `/v1/call_types/${encodeURIComponent(name)}`;
}
