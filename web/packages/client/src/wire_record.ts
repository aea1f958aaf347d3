/** The record of a session, as it travels. Durations are seconds, exact to the microsecond. */
import type { ChangeResponse, ClockState, EndedReason } from './wire_clock.js';

export interface PresenceInterval {
  joined_at: string;
  left_at: string | null;
  device_id: string;
}

/** When a person was there, with whatever device. */
export interface MergedPresence {
  joined_at: string;
  left_at: string;
}

export interface ParticipantRecord {
  user_id: string;
  role: string;
  present_seconds: number;
  /** Devices merged. */
  presence: MergedPresence[];
  intervals: PresenceInterval[];
}

/** A stretch of the session in which the clock did one thing. */
export interface ClockInterval {
  state: Exclude<ClockState, 'ended'>;
  started_at: string;
  ended_at: string;
  seconds: number;
}

/** What a bill can be written from. `wall = waiting + running + paused + overtime`, exactly. */
export interface SessionRecord {
  session_id: string;
  call_cid: string;
  started_at: string;
  /** When the clock started; null when it never did. */
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
  /** Every user who came was there, at once. */
  all_present_seconds: number;
  /** All required roles were there; null without `required_roles`. */
  required_present_seconds: number | null;
  intervals: ClockInterval[];
  participants: ParticipantRecord[];
  ledger: ChangeResponse[];
}
