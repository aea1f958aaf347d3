/** What a fake server answers where a session has rules: offers, requests, pauses, the waiting room. */
import type { OfferResponse, RequestResponse } from '../wire.js';
import type { ExtensionAnswer } from '../wire_events.js';
import type { FakeCall } from './fake_call.js';

interface Request {
  method: string;
  path: string;
  body: Record<string, unknown>;
  userId: string;
}

interface Answer {
  status: number;
  answer: object;
}

/** The part of a fake server that its rules need. */
interface Rules {
  readonly call: FakeCall;
  readonly timers: { readonly trueNow: number };
  emit: (type: string, extra?: object) => void;
  startClock: () => void;
  pause: (reason: { by: string; reason: string | null }) => void;
  resume: () => void;
}

/** The answer to a request for one of the rules; undefined for any other request. */
export function answerFairly(server: Rules, request: Request, own: readonly string[]): Answer | undefined {
  const { call } = server;
  const parts = request.path.split('/').slice(5);
  const [resource = '', id = '', deed = ''] = parts;
  const view = (extra: object = {}) => ({ status: 200, answer: { call: call.view(), ...extra } });
  const changed = () => view({ change: call.ledger.at(-1) });
  switch (`${request.method} ${[resource, deed].filter(Boolean).join(' ')}`) {
    case 'POST extend':
      return extend(server, request, own);
    case 'POST start_clock':
      server.startClock();
      return changed();
    case 'POST pause':
      server.pause({ by: request.userId, reason: textOf(request.body['reason']) });
      return changed();
    case 'POST resume':
      server.resume();
      return changed();
    case 'POST extension_offers accept':
    case 'POST extension_offers decline':
      return answerOffer(server, request, id, deed);
    case 'POST extension_requests':
      return ask(server, request);
    case 'POST extension_requests approve':
    case 'POST extension_requests decline':
      return answerRequest(server, request, id, deed);
    case 'GET waiting':
      return { status: 200, answer: { waiting: call.waiting } };
    case 'POST admit':
      return admit(server, [String(request.body['user_id'])], view);
    case 'POST go_live':
    case 'POST stop_live':
      call.clock.live = resource === 'go_live';
      server.emit('call.backstage_changed', { live: call.clock.live });
      return view();
    default:
      return undefined;
  }
}

/** Puts an offer before those who must consent. */
export function offerTime(
  server: Rules,
  offer: { seconds: number; by: string; price_text?: string; request_id?: string },
): OfferResponse {
  const { call, timers } = server;
  const made: OfferResponse = {
    id: call.nextId('o'),
    reason: null,
    price_text: null,
    request_id: null,
    user: call.person(offer.by),
    offered_at: new Date(timers.trueNow).toISOString(),
    expires_at: new Date(timers.trueNow + call.settings.limits.extension.consent_timeout_seconds * 1000).toISOString(),
    ...offer,
  };
  call.clock.offer = made;
  server.emit('call.extension_offered', { offer: made, user: made.user });
  return made;
}

function extend(server: Rules, { body, userId }: Request, own: readonly string[]): Answer {
  const { call } = server;
  if (!own.includes('change-max-duration')) return refusal(403, 'missing-capability');
  const seconds = Number(body['seconds']);
  const price = textOf(body['price_text']) ?? undefined;
  if (seconds > 0 && call.settings.limits.extension.consent_roles.length > 0) {
    const offer = offerTime(server, { seconds, by: userId, ...(price !== undefined && { price_text: price }) });
    return { status: 202, answer: { call: call.view(), change: null, offer, warnings: [] } };
  }
  const rows = call.ledger.length;
  const change = call.extend(seconds, userId, String(body['idempotency_key']));
  if (call.ledger.length > rows) server.emit('call.session_clock_changed', { change });
  return { status: 200, answer: { call: call.view(), change, offer: null, warnings: [] } };
}

function answerOffer(server: Rules, { userId }: Request, id: string, deed: string): Answer {
  const { call } = server;
  const offer = call.clock.offer;
  if (offer?.id !== id) return refusal(404, 'offer-not-found');
  call.clock.offer = null;
  const answer: ExtensionAnswer = deed === 'accept' ? 'accepted' : offer.by === userId ? 'withdrawn' : 'declined';
  server.emit('call.extension_answered', { answer, offer, request: null, user: call.person(userId) });
  const details = { consent_by: userId, offer_id: id };
  const change = deed === 'accept' ? call.extend(offer.seconds, offer.by, null, details) : null;
  if (change !== null) server.emit('call.session_clock_changed', { change });
  return { status: 200, answer: { call: call.view(), offer, change } };
}

function ask(server: Rules, { body, userId }: Request): Answer {
  const { call, timers } = server;
  const { request_timeout_seconds: timeout } = call.settings.limits.extension;
  const request: RequestResponse = {
    id: call.nextId('r'),
    seconds: Number(body['seconds']),
    by: userId,
    user: call.person(userId),
    reason: textOf(body['reason']),
    requested_at: new Date(timers.trueNow).toISOString(),
    expires_at: new Date(timers.trueNow + timeout * 1000).toISOString(),
  };
  call.clock.requests = [...call.clock.requests, request];
  server.emit('call.extension_requested', { request, user: request.user });
  return { status: 201, answer: { call: call.view(), request } };
}

function answerRequest(server: Rules, { userId }: Request, id: string, deed: string): Answer {
  const { call } = server;
  const request = call.clock.requests.find((one) => one.id === id);
  if (request === undefined) return refusal(404, 'request-not-found');
  call.clock.requests = call.clock.requests.filter((one) => one.id !== id);
  const answer: ExtensionAnswer = deed === 'approve' ? 'approved' : request.by === userId ? 'withdrawn' : 'declined';
  server.emit('call.extension_answered', { answer, offer: null, request, user: call.person(userId) });
  const change = deed === 'approve' ? call.extend(request.seconds, userId, null, { request_id: id }) : null;
  if (change !== null) server.emit('call.session_clock_changed', { change });
  return { status: 200, answer: { call: call.view(), request, change, offer: null, warnings: [] } };
}

function admit(server: Rules, userIds: string[], view: (extra: object) => Answer): Answer {
  const admitted = userIds.map((userId) => server.call.admit(userId)).filter((one) => one !== undefined);
  if (admitted.length === 0) return refusal(409, 'not-waiting');
  for (const participant of admitted) server.emit('call.participant_admitted', { participant });
  return view({ admitted });
}

function refusal(status: number, code: string): Answer {
  return { status, answer: { status, code, title: code, detail: code } };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
