/**
 * Callclock for Node: what a server does with its key and secret. No state, no connection kept.
 *
 * Every method rejects with `CallclockError`, whose `code` is the server's.
 */
export {
  type CallApi,
  type CallSettings,
  CallclockError,
  ClientErrorCode,
  type ExtensionSettings,
  type LimitsSettings,
  type SessionRecord,
  type SettingsOverride,
  OwnCapability as VideoOwnCapability,
  type RecordKey,
  type RecordKeys,
  canonicalRecord,
  verifyRecord,
  verifyRecordCsv,
} from '@callclock/client';
export type * from './administration.js';
export { StreamClient, type StreamClientOptions } from './stream_client.js';
export type { TestClock, TestClockAnswer } from './test_clock.js';
export { type UserTokenRequest, serverToken, userToken } from './tokens.js';
export type { VideoApi } from './video_api.js';
