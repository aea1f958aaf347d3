/** Callclock for React: providers, hooks, and components that can be used as they are or styled over. */
export {
  Call,
  type CallEvent,
  CallclockError,
  CallingState,
  type CallState,
  ClientErrorCode,
  type DeviceChoice,
  type DeviceChoices,
  type EndedReason,
  type JoinOptions,
  type LeftReason,
  OwnCapability,
  type SessionTimerAlert as SessionTimerAlertState,
  type SessionTimerSnapshot,
  type SessionTimerState,
  type StreamState,
  StreamVideoClient,
  type StreamVideoClientOptions,
} from '@callclock/client';
export { CallControls, type CallControlsProps } from './components/CallControls.js';
export { CallEnded, type CallEndedProps } from './components/CallEnded.js';
export { ExtendSessionButton, type ExtendSessionButtonProps } from './components/ExtendSessionButton.js';
export { ExtendSessionMenu, type ExtendSessionMenuProps } from './components/ExtendSessionMenu.js';
export { ParticipantTile, type ParticipantTileProps } from './components/ParticipantTile.js';
export { PreJoin, type PreJoinProps } from './components/PreJoin.js';
export { SessionTimeline, type SessionTimelineProps } from './components/SessionTimeline.js';
export { SessionTimer, type SessionTimerProps } from './components/SessionTimer.js';
export { SessionTimerAlert, type SessionTimerAlertProps } from './components/SessionTimerAlert.js';
export { SpeakerLayout, type SpeakerLayoutProps } from './components/SpeakerLayout.js';
export { StreamCall, type StreamCallProps } from './components/StreamCall.js';
export { StreamVideo, type StreamVideoProps } from './components/StreamVideo.js';
export { describeDeviceFailure } from './device_failure.js';
export { countdownText, durationInWords } from './durations.js';
export { useCall } from './hooks/useCall.js';
export { useCallStateHooks } from './hooks/useCallStateHooks.js';
export { useConnectionState } from './hooks/useConnectionState.js';
export { type DeviceSelect, useDeviceSelect } from './hooks/useDeviceSelect.js';
export { type ExtendSession, useExtendSession } from './hooks/useExtendSession.js';
export { useMaybeCall } from './hooks/useMaybeCall.js';
export type { CallParticipant } from './hooks/useParticipants.js';
export { useSessionChanges } from './hooks/useSessionChanges.js';
export { useSessionTimer } from './hooks/useSessionTimer.js';
export {
  type SessionTimerAlerts,
  type SessionTimerAlertsOptions,
  useSessionTimerAlerts,
} from './hooks/useSessionTimerAlerts.js';
export { useMaybeStreamVideoClient, useStreamVideoClient } from './hooks/useStreamVideoClient.js';
export type { TrackState } from './hooks/useTrackState.js';
