/** The objects of the HTTP API and the event stream, as they travel. Times are RFC 3339 strings in UTC. */

import type {
  ClockInterval,
  ClockResponse,
  ExtensionRequestResponse,
  ExtensionSettings,
  OfferResponse,
  Overrun,
  StartRule,
} from './wire_clock.js';

/** Anything JSON can say under `custom`. */
export type CustomData = Record<string, unknown>;

export interface AudioSettings {
  mic_default_on: boolean;
  default_device: 'speaker' | 'earpiece';
}

export interface TargetResolution {
  width: number;
  height: number;
  /** Bits per second. */
  bitrate: number;
}

export interface VideoSettings {
  enabled: boolean;
  camera_default_on: boolean;
  camera_facing: 'front' | 'back';
  target_resolution: TargetResolution;
}

export interface ScreensharingSettings {
  enabled: boolean;
}

export interface BackstageSettings {
  enabled: boolean;
  join_ahead_time_seconds: number;
  /** `manual`: only by admission or by going live. */
  opens: 'schedule' | 'manual';
}

export interface MediaSettings {
  /** `none`: pictures and sound travel elsewhere, only the clock is used. */
  engine: 'livekit' | 'none';
}

export interface LimitsSettings {
  /** Total length of a session; null = no limit. While a session runs: the running session's own total. */
  max_duration_seconds: number | null;
  max_participants: number | null;
  /** Seconds before the end at which everybody is warned. */
  warning_seconds: number[];
  empty_timeout_seconds: number;
  join_timeout_seconds: number;
  starts: StartRule;
  required_roles: string[];
  pause_when_absent: string[];
  absence_grace_seconds: number;
  max_pause_seconds: number;
  max_wall_seconds: number | null;
  overtime_seconds: number;
  no_show_seconds: number | null;
  no_show_action: 'end' | 'tell';
  back_to_back: 'off' | 'refuse' | 'warn';
  extension: ExtensionSettings;
}

export interface CallSettings {
  audio: AudioSettings;
  video: VideoSettings;
  screensharing: ScreensharingSettings;
  backstage: BackstageSettings;
  media: MediaSettings;
  limits: LimitsSettings;
}

/** Settings to merge over the defaults, key by key. */
export type SettingsOverride = {
  [Group in keyof CallSettings]?: Group extends 'limits'
    ? Partial<Omit<LimitsSettings, 'extension'>> & { extension?: Partial<ExtensionSettings> }
    : Partial<CallSettings[Group]>;
};

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
  /** Null until the media room is reached. */
  joined_at: string | null;
  left_at: string | null;
  device_id: string;
  /** Set in the waiting room. */
  waiting_since: string | null;
}

/** Why a session or call ended. */
export type EndedReason =
  | 'max_duration_reached'
  | 'ended_by_user'
  | 'empty_timeout'
  | 'never_connected'
  | 'call_deleted'
  | 'overtime_used_up'
  | 'max_wall_reached'
  | 'no_show'
  | 'never_started';

export interface SessionResponse {
  id: string;
  call_cid: string;
  started_at: string;
  /** The deadline; null without a limit. */
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

/** One row of the ledger of a session's deadline. */
export interface ChangeResponse {
  id: string;
  session_id: string;
  how: 'start' | 'extend' | 'set' | 'remove' | 'clock_start' | 'pause' | 'resume' | 'overtime' | 'policy';
  /** The user who changed it; null = a server token. */
  by: string | null;
  at: string;
  old_ends_at: string | null;
  new_ends_at: string | null;
  seconds: number;
  reason: string | null;
  idempotency_key: string | null;
  /** Consent, request, rule, cause: depends on `how`. */
  details: Record<string, unknown> | null;
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
  /** In the waiting room: join again when admitted. */
  waiting: boolean;
  created: boolean;
}

export type CallAnswer = { call: CallResponse } & ServerTime;
/** `change` is null when the other side has to agree first: then `offer` is there. */
export type ExtendAnswer = {
  call: CallResponse;
  change: ChangeResponse | null;
  offer: OfferResponse | null;
  warnings: Overrun[];
} & ServerTime;
export type ClockAnswer = { call: CallResponse; change: ChangeResponse } & ServerTime;
export type OfferAnswer = { call: CallResponse; offer: OfferResponse; change: ChangeResponse | null } & ServerTime;
export type RequestAnswer = { call: CallResponse; request: ExtensionRequestResponse } & ServerTime;
export type ApprovalAnswer = ExtendAnswer & { request: ExtensionRequestResponse };
export type WaitingAnswer = { waiting: ParticipantResponse[] } & ServerTime;
export type AdmitAnswer = { call: CallResponse; admitted: ParticipantResponse[] } & ServerTime;
export type MembersAnswer = { call: CallResponse; members: MemberResponse[] } & ServerTime;
export type SessionsAnswer = { sessions: SessionResponse[]; next: string | null } & ServerTime;
export type SessionAnswer = { session: SessionResponse } & ServerTime;
export type LedgerAnswer = { ledger: ChangeResponse[] } & ServerTime;
export type QueryCallsAnswer = { calls: CallEnvelope[]; next: string | null } & ServerTime;

export interface PresenceInterval {
  joined_at: string;
  left_at: string | null;
  device_id: string;
}

export interface ParticipantRecord {
  user_id: string;
  role: string;
  present_seconds: number;
  /** With all devices merged. */
  presence: { joined_at: string; left_at: string }[];
  intervals: PresenceInterval[];
}

/** What a bill can be written from. */
export interface SessionRecord {
  session_id: string;
  call_cid: string;
  started_at: string;
  started_running_at: string | null;
  ended_at: string | null;
  ended_reason: EndedReason | null;
  /** True when nobody ever reached the media room: nothing is billed. */
  void: boolean;
  wall_seconds: number;
  waiting_seconds: number;
  running_seconds: number;
  paused_seconds: number;
  overtime_seconds: number;
  all_present_seconds: number;
  required_present_seconds: number | null;
  intervals: ClockInterval[];
  participants: ParticipantRecord[];
  ledger: ChangeResponse[];
}

/** Over a record's canonical form; see `verifyRecord`. */
export interface RecordSignature {
  algorithm: 'Ed25519';
  key_id: string;
  value: string;
}

export type RecordAnswer = { record: SessionRecord; signature: RecordSignature } & ServerTime;

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
  /** What it costs, for who has to agree. */
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
  roles?: string[] | null;
  allowed_steps?: number[] | null;
  allowed_seconds?: number | null;
  retry_at?: string | null;
  free_seconds?: number | null;
  free_until?: string | null;
  server_time: string;
  request_id: string;
}
