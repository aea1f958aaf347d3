/** The clock of a session, who may move it, and what was asked and offered, as they travel. */
import type { UserResponse } from './wire.js';

/** Enough of a user for a sentence. */
export type PersonResponse = Pick<UserResponse, 'id' | 'name' | 'image'>;

export type ClockState = 'waiting' | 'running' | 'paused' | 'overtime' | 'ended';

/** Why the clock has not started, and who or what would start it. */
export interface WaitingFor {
  /**
   * `backstage`: nobody was let in yet · `roles`: somebody is missing · `schedule`: it is too early · `start`:
   * it is started by hand · `people`: nobody is there.
   */
  reason: 'backstage' | 'roles' | 'schedule' | 'start' | 'people';
  /** Required roles that nobody who is there has. */
  roles: string[];
  /** Members with those roles, who are not there. */
  users: PersonResponse[];
  starts_at: string | null;
}

export interface PausedReason {
  kind: 'absence' | 'manual';
  /** Whose absence it is. */
  roles: string[];
  /** Who paused by hand; null = a server token. */
  by: string | null;
  reason: string | null;
}

/** What an extension would be answered now. */
export interface ExtensionState {
  allowed: boolean;
  /** The error code that every extension would get; null while one is allowed. */
  reason: string | null;
  /** The lengths that would be accepted; null = any up to `seconds_left`. */
  steps_seconds: number[] | null;
  /** Null = no cap. */
  count_left: number | null;
  /** Null = no cap. */
  seconds_left: number | null;
  cooldown_until: string | null;
  /** One person of any of these roles must accept; empty = nobody is asked. */
  consent_roles: string[];
  /** When the next call of a member begins; null when nothing follows or nobody looks. */
  free_until: string | null;
  /** Seconds that can be added before it. */
  free_seconds: number | null;
}

/** More time, offered to those who must accept it. */
export interface OfferResponse {
  id: string;
  seconds: number;
  /** Who offers; null = a server token. */
  by: string | null;
  user: PersonResponse | null;
  price_text: string | null;
  reason: string | null;
  offered_at: string;
  expires_at: string;
  /** The request that was approved with it. */
  request_id: string | null;
}

/** More time, asked for by somebody who may not add it. */
export interface RequestResponse {
  id: string;
  seconds: number;
  by: string;
  /** Null when the user was deleted. */
  user: PersonResponse | null;
  reason: string | null;
  requested_at: string;
  expires_at: string;
}

export interface ClockResponse {
  state: ClockState;
  waiting_for: WaitingFor | null;
  /** When the clock started; null while waiting. */
  started_running_at: string | null;
  /** Running time so far: no waiting, pause or overtime. */
  elapsed_seconds: number;
  /** Stands still while waiting and paused; 0 in overtime; null without a limit. */
  remaining_seconds: number | null;
  paused_seconds: number;
  /** Counts from the absence; null unless paused. */
  paused_since: string | null;
  paused_reason: PausedReason | null;
  /** When the clock goes on by itself at the latest; null unless paused. */
  pause_ends_at: string | null;
  overtime_since: string | null;
  overtime_seconds: number;
  /** The hard end; before overtime, where it would be; null without overtime. */
  overtime_ends_at: string | null;
  wall_ends_at: string | null;
  /** The smallest warning threshold already passed. */
  passed_warning_seconds: number | null;
  /** False while backstage. */
  live: boolean;
  /** People in the waiting room. */
  waiting_count: number;
  extension: ExtensionState;
  offer: OfferResponse | null;
  requests: RequestResponse[];
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

/** What belongs to a row of the ledger beside the deadline; which keys are there depends on `how`. */
export interface ChangeDetails {
  consent_by?: string | null;
  offer_id?: string | null;
  request_id?: string | null;
  requested_by?: string | null;
  price_text?: string | null;
  runs_into_next_call?: unknown;
  rule?: string;
  kind?: 'absence' | 'manual';
  roles?: string[];
  paused_seconds?: number;
  cause?: 'returned' | 'by_hand' | 'max_pause_reached';
  changed?: Record<string, [unknown, unknown]>;
}

/** One row of the ledger of a session: what moved its deadline, or stopped and started its clock. */
export interface ChangeResponse {
  id: string;
  session_id: string;
  how: 'start' | 'extend' | 'set' | 'remove' | 'clock_start' | 'pause' | 'resume' | 'overtime' | 'policy';
  /** The user who changed it; null = a server token, or a rule. */
  by: string | null;
  /** When it took effect; a pause: the absence. */
  at: string;
  old_ends_at: string | null;
  new_ends_at: string | null;
  seconds: number;
  reason: string | null;
  idempotency_key: string | null;
  details: ChangeDetails | null;
}

/** The extension was made, but it runs into a member's next call. */
export interface ExtensionWarning {
  code: 'runs-into-next-call';
  free_until: string;
  free_seconds: number;
}
