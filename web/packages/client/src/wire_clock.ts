/** The clock of a session with its policies, as it travels. Seconds are exact to the microsecond. */
import type { ChangeResponse } from './wire.js';

export type ClockState = 'waiting' | 'running' | 'paused' | 'overtime' | 'ended';

/** When a clock starts. */
export type StartRule = 'first_join' | 'all_roles' | 'scheduled' | 'manual';

/** What an extension must keep to; null = no such rule. */
export interface ExtensionSettings {
  max_count: number | null;
  max_total_seconds: number | null;
  steps_seconds: number[] | null;
  cooldown_seconds: number;
  consent_roles: string[];
  consent_timeout_seconds: number;
  request_timeout_seconds: number;
}

export interface Person {
  id: string;
  name: string | null;
  image: string | null;
}

/** What a clock waits for before it starts. */
export interface WaitingFor {
  reason: 'backstage' | 'roles' | 'schedule' | 'start' | 'people';
  /** Required roles that are not there. */
  roles: string[];
  /** Members with these roles who are not there. */
  users: Person[];
  starts_at: string | null;
}

export interface PausedReason {
  kind: 'absence' | 'manual';
  roles: string[];
  by: string | null;
  reason: string | null;
}

/** What may be added now; null = no such cap. */
export interface ExtensionOptions {
  allowed: boolean;
  /** The error code that every step would get. */
  reason: string | null;
  /** The steps that would be accepted; null = any. */
  steps_seconds: number[] | null;
  count_left: number | null;
  seconds_left: number | null;
  cooldown_until: string | null;
  consent_roles: string[];
  /** When a member's next call begins. */
  free_until: string | null;
  free_seconds: number | null;
}

/** More time that was offered and waits for the consent of the other side. */
export interface OfferResponse {
  id: string;
  seconds: number;
  by: string | null;
  user: Person | null;
  price_text: string | null;
  reason: string | null;
  offered_at: string;
  expires_at: string;
  request_id: string | null;
}

/** More time that somebody without the right has asked for. */
export interface ExtensionRequestResponse {
  id: string;
  seconds: number;
  by: string;
  user: Person | null;
  reason: string | null;
  requested_at: string;
  expires_at: string;
}

/** An extension was allowed though it runs into a member's next call. */
export interface Overrun {
  code: 'runs-into-next-call';
  free_until: string;
  free_seconds: number;
}

export interface ClockResponse {
  state: ClockState;
  waiting_for: WaitingFor | null;
  /** Null while the clock waits. */
  started_running_at: string | null;
  /** Running time: without waiting, pauses and overtime. */
  elapsed_seconds: number;
  /** Stands still while waiting and paused; 0 in overtime. */
  remaining_seconds: number | null;
  paused_seconds: number;
  paused_since: string | null;
  paused_reason: PausedReason | null;
  pause_ends_at: string | null;
  overtime_since: string | null;
  overtime_seconds: number;
  overtime_ends_at: string | null;
  wall_ends_at: string | null;
  /** The smallest warning threshold already passed. */
  passed_warning_seconds: number | null;
  live: boolean;
  /** People in the waiting room. */
  waiting_count: number;
  extension: ExtensionOptions;
  offer: OfferResponse | null;
  requests: ExtensionRequestResponse[];
}

/** A stretch of a session in which its clock did one thing. */
export interface ClockInterval {
  state: 'waiting' | 'running' | 'paused' | 'overtime';
  started_at: string;
  ended_at: string;
  seconds: number;
}

export type ExtensionAnswer = 'accepted' | 'declined' | 'expired' | 'withdrawn' | 'approved';

/** How a change of the clock came about. */
export type ChangeKind = ChangeResponse['how'];
