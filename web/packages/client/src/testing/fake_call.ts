import type { CallEnvelope, CallResponse, CallSettings, ChangeResponse, SessionResponse, UserResponse } from '../wire.js';
import type { ClockResponse } from '../wire_clock.js';

export const FAKE_SETTINGS: CallSettings = {
  audio: { mic_default_on: true, default_device: 'speaker' },
  video: {
    enabled: true,
    camera_default_on: true,
    camera_facing: 'front',
    target_resolution: { width: 1280, height: 720, bitrate: 2_000_000 },
  },
  screensharing: { enabled: true },
  backstage: { enabled: false, join_ahead_time_seconds: 0, opens: 'schedule' },
  media: { engine: 'none' },
  limits: {
    max_duration_seconds: 3600,
    max_participants: null,
    warning_seconds: [300, 60],
    empty_timeout_seconds: 30,
    join_timeout_seconds: 30,
    starts: 'first_join',
    required_roles: [],
    pause_when_absent: [],
    absence_grace_seconds: 30,
    max_pause_seconds: 900,
    max_wall_seconds: null,
    overtime_seconds: 0,
    no_show_seconds: null,
    no_show_action: 'tell',
    back_to_back: 'off',
    extension: {
      max_count: null,
      max_total_seconds: null,
      steps_seconds: null,
      cooldown_seconds: 0,
      consent_roles: [],
      consent_timeout_seconds: 60,
      request_timeout_seconds: 120,
    },
  },
};

/** A clock that runs and has no policies. */
export const FAKE_CLOCK: ClockResponse = {
  state: 'running',
  waiting_for: null,
  started_running_at: null,
  elapsed_seconds: 0,
  remaining_seconds: null,
  paused_seconds: 0,
  paused_since: null,
  paused_reason: null,
  pause_ends_at: null,
  overtime_since: null,
  overtime_seconds: 0,
  overtime_ends_at: null,
  wall_ends_at: null,
  passed_warning_seconds: null,
  live: true,
  waiting_count: 0,
  extension: {
    allowed: true,
    reason: null,
    steps_seconds: null,
    count_left: null,
    seconds_left: null,
    cooldown_until: null,
    consent_roles: [],
    free_until: null,
    free_seconds: null,
  },
  offer: null,
  requests: [],
};

export function fakeUser(id: string, at: string): UserResponse {
  return { id, name: id, role: 'user', image: null, custom: {}, created_at: at, updated_at: at };
}

/** One call of a fake server: the rules of the session clock as far as a client can see them. */
export class FakeCall {
  readonly type: string;
  readonly id: string;
  readonly #now: () => number;
  settings: CallSettings = structuredClone(FAKE_SETTINGS);
  endedAt: string | null = null;
  session: SessionResponse | null = null;
  lastEventId = 0;
  ledger: ChangeResponse[] = [];
  #count = 0;

  constructor(type: string, id: string, now: () => number) {
    this.type = type;
    this.id = id;
    this.#now = now;
  }

  get cid(): string {
    return `${this.type}:${this.id}`;
  }

  get endsAtMs(): number | undefined {
    const deadline = this.session?.timer_ends_at;
    return typeof deadline === 'string' ? Date.parse(deadline) : undefined;
  }

  join(userId: string, deviceId: string): SessionResponse['participants'][number] {
    this.session ??= this.#start();
    const user = fakeUser(userId, this.#time());
    const place = this.session.participants.find((one) => one.user_id === userId && one.device_id === deviceId);
    const joined_at = this.#time();
    const id = `p-${++this.#count}`;
    const participant = place ?? { id, user_id: userId, user, role: 'user', joined_at, left_at: null, device_id: deviceId, waiting_since: null };
    if (place === undefined) this.session.participants = [...this.session.participants, participant];
    return participant;
  }

  leave(participantId: string): void {
    if (this.session === null) return;
    this.session.participants = this.session.participants.filter((one) => one.id !== participantId);
  }

  /** Moves the deadline by `seconds`. */
  extend(seconds: number, by: string, key: string | null): ChangeResponse {
    if (this.session === null || this.endsAtMs === undefined) throw new Error('nothing to extend');
    const known = this.ledger.find((row) => key !== null && row.idempotency_key === key);
    if (known !== undefined) return known;
    const oldEnd = this.session.timer_ends_at;
    this.session.timer_ends_at = this.#time(this.endsAtMs + seconds * 1000);
    this.#setTotal((this.settings.limits.max_duration_seconds ?? 0) + seconds);
    return this.#record({ how: 'extend', by, old_ends_at: oldEnd, seconds, idempotency_key: key });
  }

  /** Sets the total since the start. */
  setTotal(total: number, by: string): ChangeResponse | undefined {
    this.#setTotal(total);
    if (this.session === null) return undefined;
    const oldEnd = this.session.timer_ends_at;
    const endsAtMs = Date.parse(this.session.started_at) + total * 1000;
    const seconds = (endsAtMs - Date.parse(oldEnd ?? this.session.started_at)) / 1000;
    this.session.timer_ends_at = this.#time(endsAtMs);
    return this.#record({ how: 'set', by, old_ends_at: oldEnd, seconds, idempotency_key: null });
  }

  end(endedAtMs: number): void {
    this.endedAt = this.#time(endedAtMs);
    this.session = null;
  }

  view(): CallResponse {
    const at = this.#time();
    return structuredClone({
      cid: this.cid,
      type: this.type,
      id: this.id,
      created_by: null,
      created_at: at,
      updated_at: at,
      starts_at: null,
      ended_at: this.endedAt,
      ended_reason: this.endedAt === null ? null : ('max_duration_reached' as const),
      settings: this.settings,
      settings_override: {},
      members_only: true,
      custom: {},
      last_event_id: this.lastEventId,
      session: this.session,
      last_session_id: null,
    });
  }

  envelope(capabilities: string[]): CallEnvelope {
    return { call: this.view(), members: [], own_capabilities: capabilities };
  }

  #start(): SessionResponse {
    const total = this.settings.limits.max_duration_seconds;
    const now = this.#now();
    return {
      id: `s-${++this.#count}`,
      call_cid: this.cid,
      started_at: this.#time(now),
      timer_ends_at: total === null ? null : this.#time(now + total * 1000),
      ended_at: null,
      ended_reason: null,
      max_duration_seconds: total,
      participants: [],
      participants_count_by_role: {},
      clock: { ...FAKE_CLOCK, started_running_at: this.#time(now), remaining_seconds: total },
    };
  }

  #setTotal(total: number): void {
    this.settings = { ...this.settings, limits: { ...this.settings.limits, max_duration_seconds: total } };
    if (this.session !== null) this.session.max_duration_seconds = total;
  }

  #record(row: Pick<ChangeResponse, 'how' | 'by' | 'old_ends_at' | 'seconds' | 'idempotency_key'>): ChangeResponse {
    const change: ChangeResponse = {
      id: `c-${++this.#count}`,
      session_id: this.session?.id ?? '',
      at: this.#time(),
      new_ends_at: this.session?.timer_ends_at ?? null,
      reason: null,
      details: null,
      ...row,
    };
    this.ledger.push(change);
    return change;
  }

  #time(ms = this.#now()): string {
    return new Date(ms).toISOString();
  }
}
