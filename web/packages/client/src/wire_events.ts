/** Messages of the event stream, `/v1/events` (design section 8). */
import type {
  CallEnvelope,
  CallResponse,
  ChangeResponse,
  CustomData,
  EndedReason,
  OfferResponse,
  ParticipantResponse,
  RecordSignature,
  RequestResponse,
  SessionRecord,
  UserResponse,
} from './wire.js';

export const CALL_EVENT_TYPES = [
  'call.created',
  'call.updated',
  'call.deleted',
  'call.member_added',
  'call.member_removed',
  'call.member_updated',
  'call.session_started',
  'call.session_participant_joined',
  'call.session_participant_left',
  'call.session_timer_warning',
  'call.session_clock_changed',
  'call.extension_requested',
  'call.extension_answered',
  'call.extension_offered',
  'call.session_no_show',
  'call.session_waiting_changed',
  'call.participant_admitted',
  'call.backstage_changed',
  'call.session_ended',
  'call.ended',
  'call.permissions_updated',
] as const;

export type CallEventType = (typeof CALL_EVENT_TYPES)[number];

export interface CallEvent {
  type: CallEventType;
  /** Contiguous and rising within a call, so that a jump tells of a missed event. */
  id: number;
  cid: string;
  created_at: string;
  server_time: string;
  call: CallResponse;
  session_id?: string | null;
  /** Who did it. */
  user?: UserResponse | null;
  participant?: ParticipantResponse | null;
  member?: EventMember | null;
  members?: EventMember[] | null;
  seconds_left?: number | null;
  timer_ends_at?: string | null;
  threshold_seconds?: number | null;
  change?: ChangeResponse | null;
  own_capabilities?: string[] | null;
  reason?: EndedReason | null;
  ended_at?: string | null;
  offer?: OfferResponse | null;
  request?: RequestResponse | null;
  /** What became of the offer or request. */
  answer?: ExtensionAnswer | null;
  /** Roles that never came. */
  roles?: string[] | null;
  action?: 'end' | 'tell' | null;
  live?: boolean | null;
  /** With the end of a session that was not a plain one. */
  record?: SessionRecord | null;
  signature?: RecordSignature | null;
  /** When it happened, where that is not when it was told. */
  at?: string | null;
}

export type ExtensionAnswer = 'accepted' | 'declined' | 'expired' | 'withdrawn' | 'approved';

/** The member that an event is about; a removed one is known by its id alone. */
export interface EventMember {
  user_id: string;
  user?: UserResponse | null;
  role?: string | null;
  custom?: CustomData | null;
}

export interface ConnectionOk {
  type: 'connection.ok';
  connection_id: string;
  user_id: string | null;
  server_time: string;
}

/** The process that holds the stream stops: connect again in `delay_seconds`. Until then events go on. */
export interface ConnectionReconnect {
  type: 'connection.reconnect';
  delay_seconds: number;
  reason: string;
  server_time: string;
}

export interface WatchOk {
  type: 'watch.ok';
  calls: CallEnvelope[];
  errors: { cid: string; code: string }[];
  /** Of these calls the events come next that were missed since the last one heard. */
  replayed?: string[];
  server_time: string;
}

export interface UnwatchOk {
  type: 'unwatch.ok';
  cids: string[];
  /** Why, when nobody asked for it: the right to read the call was lost. */
  code?: string | null;
  server_time: string;
}

export interface HealthCheck {
  type: 'health.check';
  connection_id: string;
  server_time: string;
}

export interface StreamError {
  type: 'error';
  code: string;
  detail: string;
  server_time: string;
}

export type ServerMessage = ConnectionOk | ConnectionReconnect | WatchOk | UnwatchOk | HealthCheck | StreamError | CallEvent;

export type ClientMessage =
  | { type: 'auth'; api_key: string; token: string; connection_id?: string }
  | { type: 'watch'; cids: string[]; after?: Record<string, number> }
  | { type: 'unwatch'; cids: string[] }
  | { type: 'ping' };

/** Why the server closed the stream. */
export const CloseCode = {
  /** Another connection resumed this connection id. */
  REPLACED: 4000,
  AUTH_FAILED: 4001,
  TOKEN_EXPIRED: 4002,
  SLOW_READER: 4008,
  BAD_MESSAGE: 4009,
  RESTARTING: 1012,
} as const;
