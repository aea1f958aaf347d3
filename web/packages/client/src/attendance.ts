import { REJOIN_BACKOFF, backoffMs } from './backoff.js';
import type { CallApi, JoinRequest } from './call_api.js';
import { CallingState, type CallState, type LeftReason, isAttending, isInside, withEnvelope } from './call_state.js';
import { CallclockError, ClientErrorCode, asCallclockError } from './errors.js';
import type { EventStream } from './event_stream.js';
import type { ConnectMedia, DeviceChoices, MediaConnection, MediaListener, MediaLoss } from './media.js';
import type { Store } from './store.js';
import { type Timers, pause } from './timers.js';
import type { CallData, JoinAnswer, ParticipantResponse } from './wire.js';

export interface JoinOptions {
  /** Makes the call when it does not exist (needs `create-call`). */
  create?: boolean;
  data?: CallData;
  /** Devices to start with; others follow the call's settings. */
  devices?: DeviceChoices;
}

export interface AttendanceOptions {
  api: CallApi;
  stream: EventStream;
  store: Store<CallState>;
  connectMedia: ConnectMedia;
  timers: Timers;
  random: () => number;
  /** This tab's own id: a reload takes its place again. */
  deviceId: string;
  userId: string;
  /** Reads the call's state again; a session found to be over ends the attendance. */
  reread: () => Promise<void>;
}

/** How long a join waits for the event stream, whose connection id stands for our presence. */
const STREAM_WAIT_MS = 2_000;
const LEAVE_TIMEOUT_MS = 5_000;
/** After this long without a way back, the page says so instead of trying on. */
const REJOIN_FOR_MS = 120_000;

/**
 * Going in and out of a call, one step at a time.
 *
 * Each stay has a number; whatever finishes late finds its number outdated and undoes itself. Requests to
 * the server run one after the other, so that a late leave can never take away the place that a newer join
 * of the same tab has got. A `leave()` followed by `join()` in the same tick (React's StrictMode mounts
 * twice) changes nothing.
 */
export class Attendance {
  readonly #options: AttendanceOptions;
  #wanted = false;
  #stay = 0;
  #joined: Promise<JoinAnswer> | undefined;
  #requests: Promise<unknown> = Promise.resolve();
  #giveUp: (() => void) | undefined;
  #media: MediaConnection | undefined;
  #participantId: string | undefined;
  #request: JoinOptions = {};
  #isRejoining = false;

  constructor(options: AttendanceOptions) {
    this.#options = options;
    options.stream.state.subscribe(() => {
      this.#followStream();
    });
  }

  join(options: JoinOptions): Promise<JoinAnswer> {
    this.#wanted = true;
    if (this.#joined !== undefined) return this.#joined;
    const stay = ++this.#stay;
    this.#request = options;
    this.#patch({
      callingState: CallingState.JOINING,
      leftReason: undefined,
      joinError: undefined,
      joinedSessionId: undefined,
      deviceErrors: {},
    });
    const entering = this.#inTurn(() => this.#enter(stay, options));
    const givenUp = new Promise<never>((_, reject) => {
      this.#giveUp = () => {
        reject(leftBeforeJoined());
      };
    });
    this.#joined = Promise.race([entering, givenUp]);
    this.#joined.catch((thrown: unknown) => {
      this.#failed(stay, thrown);
    });
    return this.#joined;
  }

  async leave(): Promise<void> {
    this.#wanted = false;
    await Promise.resolve();
    if (this.#isWanted()) return;
    if (this.#joined !== undefined) this.#goOut('left');
    await this.#inTurn(() => this.#tellServer());
  }

  /** Takes the media down because the session is over; the caller sets the state. */
  stop(): void {
    this.#stay += 1;
    this.#joined = undefined;
    this.#participantId = undefined;
    void this.#media?.disconnect();
    this.#media = undefined;
  }

  /** Somebody was let in from the waiting room: if it is us, we go in. */
  admitted(participant: ParticipantResponse): void {
    if (participant.user_id === this.#options.userId) this.enter();
  }

  /** Goes from the waiting room into the call; nothing while we do not wait. */
  enter(): void {
    if (this.#options.store.getSnapshot().callingState !== CallingState.WAITING || this.#isRejoining) return;
    const devices = this.#request.devices ?? {};
    this.#isRejoining = true;
    const entered = this.#tryUntilBack(this.#stay, devices).finally(() => {
      this.#isRejoining = false;
    });
    void entered;
  }

  /** Comes back when the server has dropped us though this page never left (`media.engine: none`). */
  ensurePresence(): void {
    const state = this.#options.store.getSnapshot();
    // The new event stream stands for our place in the waiting room, and we may have been let in meanwhile.
    if (state.callingState === CallingState.WAITING) this.enter();
    if (!isAttending(state) || this.#media !== undefined || state.session === undefined) return;
    const present = state.session.participants.some((participant) => participant.id === this.#participantId);
    if (!present && !this.#isRejoining) void this.#rejoin(this.#stay);
  }

  /** Out without having asked for it. */
  removed(): void {
    if (isInside(this.#options.store.getSnapshot())) this.#goOut('removed');
  }

  async #enter(stay: number, options: JoinOptions): Promise<JoinAnswer> {
    const { stream, api } = this.#options;
    this.#demand(stay);
    stream.watch(api.cid);
    stream.nudge();
    await stream.whenOpen(STREAM_WAIT_MS);
    this.#demand(stay);
    const answer = await this.#enterSession(options);
    this.#demand(stay);
    await this.#enterMedia(stay, answer, options.devices ?? {});
    return answer;
  }

  /** Runs `request` after those before it, whatever became of them. */
  #inTurn<T>(request: () => Promise<T>): Promise<T> {
    const turn = this.#requests.then(request);
    this.#requests = turn.catch(() => undefined);
    return turn;
  }

  async #enterSession(options: JoinOptions): Promise<JoinAnswer> {
    const { api, stream, deviceId } = this.#options;
    const body: JoinRequest = { device_id: deviceId, connection_id: stream.connectionId };
    if (options.create !== undefined) body.create = options.create;
    if (options.data !== undefined) body.data = options.data;
    const answer = await api.join(body);
    this.#participantId = answer.participant.id;
    return answer;
  }

  async #enterMedia(stay: number, answer: JoinAnswer, devices: DeviceChoices): Promise<void> {
    this.#options.store.update((state) => ({
      ...withEnvelope(state, answer),
      participantId: answer.participant.id,
      joinedSessionId: answer.call.session?.id,
    }));
    if (answer.media !== null) {
      const media = await this.#connect(stay, answer, devices);
      if (stay !== this.#stay) {
        void media.disconnect();
        throw leftBeforeJoined();
      }
      this.#media = media;
    }
    const callingState = answer.waiting ? CallingState.WAITING : CallingState.JOINED;
    this.#patch({ callingState, room: this.#media?.room });
  }

  async #connect(stay: number, answer: JoinAnswer, devices: DeviceChoices): Promise<MediaConnection> {
    if (answer.media === null) throw new TypeError('this call has no media room');
    try {
      return await this.#options.connectMedia({
        media: answer.media,
        settings: answer.call.settings,
        ownCapabilities: answer.own_capabilities,
        devices,
        listener: this.#listener(stay),
      });
    } catch (thrown) {
      throw asCallclockError(thrown, ClientErrorCode.MEDIA_UNREACHABLE);
    }
  }

  #listener(stay: number): MediaListener {
    const during = (act: () => void) => () => {
      if (stay === this.#stay && this.#media !== undefined) act();
    };
    return {
      reconnecting: during(() => {
        this.#patch({ callingState: CallingState.RECONNECTING });
      }),
      reconnected: during(() => {
        this.#patch({ callingState: CallingState.JOINED });
      }),
      disconnected: (loss) => {
        during(() => void this.#mediaLost(stay, loss))();
      },
      deviceChanged: (kind, failure) => {
        const { deviceErrors } = this.#options.store.getSnapshot();
        if (stay === this.#stay) this.#patch({ deviceErrors: { ...deviceErrors, [kind]: failure } });
      },
    };
  }

  async #mediaLost(stay: number, loss: MediaLoss): Promise<void> {
    if (loss === 'joined-elsewhere') {
      this.#goOut('joined-elsewhere');
      return;
    }
    this.#patch({ callingState: CallingState.RECONNECTING });
    await this.#options.reread();
    if (stay !== this.#stay) return;
    if (loss === 'removed') this.#goOut('removed');
    else await this.#rejoin(stay);
  }

  async #rejoin(stay: number): Promise<void> {
    const devices = this.#media?.devices() ?? this.#request.devices ?? {};
    this.#media = undefined;
    this.#isRejoining = true;
    this.#patch({ callingState: CallingState.RECONNECTING });
    try {
      await this.#tryUntilBack(stay, devices);
    } finally {
      this.#isRejoining = false;
    }
  }

  async #tryUntilBack(stay: number, devices: DeviceChoices): Promise<void> {
    const { timers, random } = this.#options;
    const until = timers.monotonicNow() + REJOIN_FOR_MS;
    for (let attempt = 0; stay === this.#stay; attempt += 1) {
      try {
        await this.#inTurn(() => this.#comeBack(stay, devices));
        return;
      } catch (thrown) {
        if (stay !== this.#stay) return;
        const error = asCallclockError(thrown, ClientErrorCode.MEDIA_UNREACHABLE);
        const isFinal = !error.isTransient && error.code !== ClientErrorCode.MEDIA_UNREACHABLE;
        if (isFinal) await this.#refused(stay);
        else if (timers.monotonicNow() > until) this.#goOut('connection-lost');
      }
      await pause(timers, backoffMs(REJOIN_BACKOFF, attempt, random));
    }
  }

  async #comeBack(stay: number, devices: DeviceChoices): Promise<void> {
    this.#demand(stay);
    const answer = await this.#enterSession({});
    this.#demand(stay);
    await this.#enterMedia(stay, answer, devices);
  }

  async #refused(stay: number): Promise<void> {
    await this.#options.reread();
    if (stay === this.#stay) this.#goOut('removed');
  }

  #goOut(leftReason: LeftReason): void {
    const giveUp = this.#giveUp;
    const participantId = this.#participantId;
    this.stop();
    this.#participantId = participantId;
    this.#patch({ callingState: CallingState.LEFT, leftReason, joinedSessionId: undefined, room: undefined });
    giveUp?.();
  }

  /** Our place is given back after whatever request was still under way has told us which place that is. */
  async #tellServer(): Promise<void> {
    const { api, stream } = this.#options;
    const participantId = this.#participantId;
    this.#participantId = undefined;
    if (!this.#wanted) stream.unwatch(api.cid);
    if (participantId === undefined) return;
    try {
      await api.leave({ participant_id: participantId }, { timeoutMs: LEAVE_TIMEOUT_MS });
    } catch (thrown) {
      // The server does not have us in the call any more: that is what was wanted.
      if (thrown instanceof CallclockError && !thrown.isTransient) return;
      throw thrown;
    }
  }

  #failed(stay: number, thrown: unknown): void {
    if (stay !== this.#stay) return;
    const joinError = asCallclockError(thrown, ClientErrorCode.MEDIA_UNREACHABLE);
    const participantId = this.#participantId;
    this.stop();
    this.#participantId = participantId;
    this.#wanted = false;
    this.#patch({ callingState: CallingState.JOIN_FAILED, joinError, joinedSessionId: undefined });
    // Let in, but not into the media room: the place is given back. Nobody waits for this.
    this.#inTurn(() => this.#tellServer()).catch(() => undefined);
  }

  #followStream(): void {
    const state = this.#options.store.getSnapshot();
    if (!isAttending(state) || state.call?.settings.media.engine !== 'none') return;
    const { isOpen } = this.#options.stream;
    this.#patch({ callingState: isOpen ? CallingState.JOINED : CallingState.RECONNECTING });
  }

  #isWanted(): boolean {
    return this.#wanted;
  }

  #demand(stay: number): void {
    if (stay !== this.#stay) throw leftBeforeJoined();
  }

  #patch(change: Partial<CallState>): void {
    this.#options.store.update((state) => ({ ...state, ...change }));
  }
}

function leftBeforeJoined(): CallclockError {
  return new CallclockError({
    code: ClientErrorCode.LEFT_BEFORE_JOINED,
    message: 'The call was left before joining it had finished.',
  });
}
