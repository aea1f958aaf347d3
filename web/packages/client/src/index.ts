/**
 * Callclock's client without a framework.
 *
 * Invariants: the server's time is never read from the browser's date; a newer state is never replaced by an
 * older one (event ids decide); whoever knows a deadline leaves at it, with or without the server; nothing is
 * connected before a call is joined or watched, and Node never loads the media library.
 */
export type { JoinOptions } from './attendance.js';
export { resolveBaseUrl } from './base_url.js';
export { Call } from './call.js';
export { CallApi, type JoinRequest, type LeaveRequest } from './call_api.js';
export type { CallEventHandler, CallEventName } from './call_events.js';
export {
  type AnsweredExtension,
  CallingState,
  type CallState,
  type LeftReason,
  type NoShow,
  endedAt,
  endedReason,
  isAttending,
  isInside,
} from './call_state.js';
export { FREE_EXTENSION, type SessionClockSnapshot, type SessionSchedule } from './clock_reading.js';
export { CustomAlerts } from './custom_alerts.js';
export { OwnCapability } from './capabilities.js';
export { CallclockError, type CallclockErrorDetails, ClientErrorCode, asCallclockError } from './errors.js';
export type { Socket, SocketFactory, StreamPhase, StreamState } from './event_stream.js';
export { connectLiveKit } from './livekit_media.js';
export type {
  ConnectMedia,
  DeviceChoice,
  DeviceChoices,
  DeviceKind,
  MediaConnection,
  MediaListener,
  MediaLoss,
  MediaRequest,
} from './media.js';
export {
  RECORD_KEYS_PATH,
  type RecordKey,
  type RecordKeys,
  canonicalRecord,
  verifyRecord,
  verifyRecordCsv,
} from './records.js';
export { type Fetch, RestClient, type RestOptions, type RestRequest } from './rest.js';
export { type RoundTrip, ServerClock } from './server_clock.js';
export {
  SessionClock,
  type SessionClockOptions,
  type SessionTimerAlert,
  type SessionTimerSnapshot,
  type SessionTimerState,
} from './session_clock.js';
export { type ReadableStore, Store } from './store.js';
export { type CallsQuery, StreamVideoClient, type StreamVideoClientOptions } from './stream_video_client.js';
export { ThresholdAlerts } from './threshold_alerts.js';
export { type TimerHandle, type Timers, systemTimers } from './timers.js';
export { type TokenProvider, TokenSource } from './tokens.js';
export type * from './wire.js';
export { CALL_EVENT_TYPES, type CallEvent, type CallEventType, CloseCode, type ExtensionAnswer } from './wire_events.js';
