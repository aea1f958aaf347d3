/** The objects of the HTTP API and the event stream, as they travel. Times are RFC 3339 strings in UTC. */

import type { CallSettings, SettingsOverride } from './wire_settings.js';
import type {
  ChangeResponse,
  ClockResponse,
  EndedReason,
  ExtensionWarning,
  OfferResponse,
  RequestResponse,
} from './wire_clock.js';
import type { SessionRecord } from './wire_record.js';

export type * from './wire_clock.js';
export type * from './wire_record.js';
export type * from './wire_settings.js';

/** Anything JSON can say under `custom`. */
export type CustomData = Record<string, unknown>;

export interface UserResponse {
  id: string;
  name: string | null;
  role: string;
  image: string | null;
  custom: CustomData;
  created_at: string;
  updated_at: string;
}

/** What a participant tells of its user: enough for a name tag. */
export type ParticipantUser = Pick<UserResponse, 'id' | 'name' | 'role' | 'image'>;

export interface UserRequest {
  id: string;
  name?: string;
  role?: string;
  image?: string | null;
  custom?: CustomData;
}

export interface MemberResponse {
  user_id: string;
  user: UserResponse;
  /** The member's role in this call, beside the user's own role. */
  role: string | null;
  custom: CustomData;
  created_at: string;
  updated_at: string;
}

export interface MemberRequest {
  user_id: string;
  role?: string | null;
  custom?: CustomData;
}

export interface ParticipantResponse {
  id: string;
  user_id: string;
  user: ParticipantUser;
  role: string;
  /** Null until the media room is reached, and in the waiting room. */
  joined_at: string | null;
  /** Since when the participant waits to be let in; null unless it does. */
  waiting_since: string | null;
  left_at: string | null;
  device_id: string;
}

export interface SessionResponse {
  id: string;
  call_cid: string;
  started_at: string;
  /** The deadline; null without a limit and before the clock starts. While paused: the latest one possible. */
  timer_ends_at: string | null;
  ended_at: string | null;
  ended_reason: EndedReason | null;
  max_duration_seconds: number | null;
  participants: ParticipantResponse[];
  participants_count_by_role: Record<string, number>;
  clock: ClockResponse;
}

export interface CallResponse {
  cid: string;
  type: string;
  id: string;
  created_by: UserResponse | null;
  created_at: string;
  updated_at: string;
  starts_at: string | null;
  ended_at: string | null;
  ended_reason: EndedReason | null;
  settings: CallSettings;
  settings_override: SettingsOverride;
  members_only: boolean;
  custom: CustomData;
  last_event_id: number;
  /** The running session, or null. */
  session: SessionResponse | null;
  last_session_id: string | null;
}

export interface MediaResponse {
  url: string;
  token: string;
  room: string;
  expires_at: string;
}

/** Stamped on every answer and event. */
export interface ServerTime {
  server_time: string;
}

export interface CallEnvelope {
  call: CallResponse;
  members: MemberResponse[];
  own_capabilities: string[];
}

export type CallStateAnswer = CallEnvelope & ServerTime;
export type GetOrCreateCallAnswer = CallStateAnswer & { created: boolean };

export interface JoinAnswer extends CallEnvelope, ServerTime {
  participant: ParticipantResponse;
  media: MediaResponse | null;
  /** In the waiting room: `media` is null; join again once admitted. */
  waiting: boolean;
  created: boolean;
}

export type CallAnswer = { call: CallResponse } & ServerTime;
/** The change; or, where others must consent first, the offer to them. */
export type ExtendAnswer = {
  call: CallResponse;
  change: ChangeResponse | null;
  offer: OfferResponse | null;
  warnings: ExtensionWarning[];
} & ServerTime;
/** What became of starting, pausing or resuming the clock. */
export type ClockAnswer = { call: CallResponse; change: ChangeResponse } & ServerTime;
export type OfferAnswer = { call: CallResponse; offer: OfferResponse; change: ChangeResponse | null } & ServerTime;
export type RequestAnswer = { call: CallResponse; request: RequestResponse } & ServerTime;
/** The change; or, where others must consent first, the offer that the approval became. */
export type ApproveAnswer = RequestAnswer & Pick<ExtendAnswer, 'change' | 'offer' | 'warnings'>;
export type WaitingAnswer = { waiting: ParticipantResponse[] } & ServerTime;
export type AdmitAnswer = { call: CallResponse; admitted: ParticipantResponse[] } & ServerTime;
export type MembersAnswer = { call: CallResponse; members: MemberResponse[] } & ServerTime;
export type SessionsAnswer = { sessions: SessionResponse[]; next: string | null } & ServerTime;
export type SessionAnswer = { session: SessionResponse } & ServerTime;
export type LedgerAnswer = { ledger: ChangeResponse[] } & ServerTime;
export type QueryCallsAnswer = { calls: CallEnvelope[]; next: string | null } & ServerTime;

/** Over a record's canonical form; see `verifyRecord`. */
export interface RecordSignature {
  algorithm: 'Ed25519';
  key_id: string;
  value: string;
}

export type RecordAnswer = { record: SessionRecord; signature: RecordSignature } & ServerTime;

/** One value of the record that does not agree with the ledger and the event log. */
export interface RecordDifference {
  field: string;
  record: unknown;
  recomputed: unknown;
}

export type VerificationAnswer = { matches: boolean; differences: RecordDifference[] } & ServerTime;

export interface CallData {
  members?: MemberRequest[];
  /** Only with a server token, which must name a creator. */
  created_by_id?: string;
  settings_override?: SettingsOverride;
  starts_at?: string | Date | null;
  custom?: CustomData;
}

export type CallUpdate = Pick<CallData, 'settings_override' | 'starts_at' | 'custom'>;

export interface MembersUpdate {
  update_members?: MemberRequest[];
  remove_members?: string[];
}

export interface ExtendRequest {
  /** Whole seconds to add; negative seconds shorten. */
  seconds: number;
  /** A repeated key adds nothing and returns the first answer. Made for each request when absent. */
  idempotency_key?: string;
  reason?: string;
  /** What the time costs, in words for those who must consent. */
  price_text?: string;
}

export interface ReasonRequest {
  reason?: string;
}

/** An answer to an offer. */
export interface ConsentRequest {
  /** Only with a server token: who consents or declines. */
  user_id?: string;
}

/** An ask for more time. */
export interface MoreTimeRequest extends ReasonRequest {
  seconds: number;
  /** Only with a server token: who asks. */
  user_id?: string;
}

export interface ApproveRequest extends ReasonRequest {
  price_text?: string;
}

export interface FieldProblem {
  field: string;
  detail: string;
  code: string;
}

/** RFC 9457, `application/problem+json`. */
export interface ProblemResponse {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  errors?: FieldProblem[] | null;
  capability?: string | null;
  /** With `paused-for-absence`: who is away. */
  roles?: string[] | null;
  allowed_steps?: number[] | null;
  /** What an extension may still add. */
  allowed_seconds?: number | null;
  /** With `extension-cooling-down`. */
  retry_at?: string | null;
  /** With `runs-into-next-call`. */
  free_seconds?: number | null;
  free_until?: string | null;
  server_time: string;
  request_id: string;
}
