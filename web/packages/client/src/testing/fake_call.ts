import type {
  CallEnvelope,
  CallResponse,
  CallSettings,
  ChangeResponse,
  EndedReason,
  MemberResponse,
  ParticipantResponse,
  SessionResponse,
  UserResponse,
} from '../wire.js';
import { FakeClock } from './fake_clock.js';

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

export function fakeUser(id: string, at: string, role = 'user'): UserResponse {
  return { id, name: id, role, image: null, custom: {}, created_at: at, updated_at: at };
}

type Row = Pick<ChangeResponse, 'how' | 'by' | 'old_ends_at' | 'seconds' | 'idempotency_key'> & Partial<ChangeResponse>;

/** One call of a fake server: the rules of the session clock as far as a client can see them. */
export class FakeCall {
  readonly type: string;
  readonly id: string;
  readonly #now: () => number;
  settings: CallSettings = structuredClone(FAKE_SETTINGS);
  custom: Record<string, unknown> = {};
  /** Role of each user; `user` where none is given. */
  readonly roles: Record<string, string> = {};
  endedAt: string | null = null;
  endedReason: EndedReason = 'max_duration_reached';
  session: SessionResponse | null = null;
  readonly clock: FakeClock;
  lastEventId = 0;
  ledger: ChangeResponse[] = [];
  members: MemberResponse[] = [];
  waiting: ParticipantResponse[] = [];
  readonly #admitted = new Set<string>();
  #count = 0;

  constructor(type: string, id: string, now: () => number) {
    this.type = type;
    this.id = id;
    this.#now = now;
    this.clock = new FakeClock(() => this.settings.limits, now);
  }

  get cid(): string {
    return `${this.type}:${this.id}`;
  }

  /** The deadline; undefined while the clock has not started, or without a limit. */
  get endsAtMs(): number | undefined {
    return this.clock.endsAtMs;
  }

  /** Makes a member of somebody with a role. */
  addMember(userId: string, role = 'user', name = userId): void {
    this.roles[userId] = role;
    const user = { ...fakeUser(userId, this.#time(), role), name };
    const member = { user_id: userId, user, role: null, custom: {}, created_at: this.#time(), updated_at: this.#time() };
    this.members = [...this.members, member];
  }

  person(userId: string): UserResponse {
    const member = this.members.find((one) => one.user_id === userId);
    return member?.user ?? fakeUser(userId, this.#time(), this.roles[userId]);
  }

  join(userId: string, deviceId: string): ParticipantResponse {
    this.session ??= this.#start();
    const place = this.session.participants.find((one) => one.user_id === userId && one.device_id === deviceId);
    if (place !== undefined) return place;
    const participant = this.#participant(userId, deviceId);
    this.session.participants = [...this.session.participants, participant];
    if (this.settings.limits.starts === 'first_join') this.clock.start();
    return participant;
  }

  /** Takes a place in the waiting room; the same one when asked again. */
  wait(userId: string, deviceId: string): ParticipantResponse {
    this.session ??= this.#start();
    const known = this.waiting.find((one) => one.user_id === userId);
    const participant = known ?? { ...this.#participant(userId, deviceId), joined_at: null, waiting_since: this.#time() };
    if (known === undefined) this.waiting = [...this.waiting, participant];
    return participant;
  }

  mustWait(userId: string): boolean {
    const isLive = this.session !== null && this.clock.live;
    return this.settings.backstage.enabled && !isLive && !this.#admitted.has(userId);
  }

  /** Lets somebody in: their next join is one. */
  admit(userId: string): ParticipantResponse | undefined {
    this.#admitted.add(userId);
    const participant = this.waiting.find((one) => one.user_id === userId);
    this.waiting = this.waiting.filter((one) => one.user_id !== userId);
    return participant;
  }

  leave(participantId: string): void {
    if (this.session === null) return;
    this.waiting = this.waiting.filter((one) => one.id !== participantId);
    this.session.participants = this.session.participants.filter((one) => one.id !== participantId);
  }

  /** Moves the deadline by `seconds`. */
  extend(seconds: number, by: string | null, key: string | null, details: ChangeResponse['details'] = null): ChangeResponse {
    if (this.session === null || this.endsAtMs === undefined) throw new Error('nothing to extend');
    const known = this.ledger.find((row) => key !== null && row.idempotency_key === key);
    if (known !== undefined) return known;
    const old_ends_at = this.#time(this.endsAtMs);
    this.#setTotal((this.settings.limits.max_duration_seconds ?? 0) + seconds);
    return this.record({ how: 'extend', by, old_ends_at, seconds, idempotency_key: key, details });
  }

  /** Sets the total since the start. */
  setTotal(total: number, by: string): ChangeResponse | undefined {
    const seconds = total - (this.settings.limits.max_duration_seconds ?? 0);
    const old_ends_at = this.endsAtMs === undefined ? null : this.#time(this.endsAtMs);
    this.#setTotal(total);
    if (this.session === null) return undefined;
    return this.record({ how: 'set', by, old_ends_at, seconds, idempotency_key: null });
  }

  /** Writes a row of the ledger. */
  record(row: Row): ChangeResponse {
    const change: ChangeResponse = {
      id: `c-${++this.#count}`,
      session_id: this.session?.id ?? '',
      at: this.#time(),
      new_ends_at: this.endsAtMs === undefined ? null : this.#time(this.endsAtMs),
      reason: null,
      details: null,
      ...row,
    };
    this.ledger.push(change);
    return change;
  }

  end(endedAtMs: number, reason: EndedReason = 'max_duration_reached'): void {
    this.endedAt = this.#time(endedAtMs);
    this.endedReason = reason;
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
      ended_reason: this.endedAt === null ? null : this.endedReason,
      settings: this.settings,
      settings_override: {},
      members_only: true,
      custom: this.custom,
      last_event_id: this.lastEventId,
      session: this.session === null ? null : this.#sessionView(this.session),
      last_session_id: null,
    });
  }

  envelope(capabilities: string[]): CallEnvelope {
    return { call: this.view(), members: this.members, own_capabilities: capabilities };
  }

  /** A fresh id, `prefix-1` and so on. */
  nextId(prefix: string): string {
    return `${prefix}-${++this.#count}`;
  }

  #sessionView(session: SessionResponse): SessionResponse {
    const timer_ends_at = this.endsAtMs === undefined ? null : this.#time(this.endsAtMs);
    const clock = this.clock.view(this.waiting.length);
    return { ...session, timer_ends_at, max_duration_seconds: this.settings.limits.max_duration_seconds, clock };
  }

  #participant(userId: string, deviceId: string): ParticipantResponse {
    const user = this.person(userId);
    return {
      id: this.nextId('p'),
      user_id: userId,
      user,
      role: user.role,
      joined_at: this.#time(),
      waiting_since: null,
      left_at: null,
      device_id: deviceId,
    };
  }

  #start(): SessionResponse {
    const total = this.settings.limits.max_duration_seconds;
    this.clock.begin(this.settings.backstage.enabled);
    return {
      id: this.nextId('s'),
      call_cid: this.cid,
      started_at: this.#time(),
      timer_ends_at: null,
      ended_at: null,
      ended_reason: null,
      max_duration_seconds: total,
      participants: [],
      participants_count_by_role: {},
      clock: this.clock.view(0),
    };
  }

  #setTotal(total: number): void {
    this.settings = { ...this.settings, limits: { ...this.settings.limits, max_duration_seconds: total } };
  }

  #time(ms = this.#now()): string {
    return new Date(ms).toISOString();
  }
}
