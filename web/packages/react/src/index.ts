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
  type SessionClockSnapshot,
  type SessionRecord,
  type SessionTimerAlert as SessionTimerAlertState,
  type SessionTimerSnapshot,
  type SessionTimerState,
  type StreamState,
  StreamVideoClient,
  type StreamVideoClientOptions,
} from '@callclock/client';
export { AskForMoreTime, type AskForMoreTimeProps } from './components/AskForMoreTime.js';
export { CallControls, type CallControlsProps } from './components/CallControls.js';
export { CallEnded, type CallEndedProps } from './components/CallEnded.js';
export { ClockControls, type ClockControlsProps } from './components/ClockControls.js';
export { ExtendSessionButton, type ExtendSessionButtonProps } from './components/ExtendSessionButton.js';
export { ExtendSessionMenu, type ExtendSessionMenuProps } from './components/ExtendSessionMenu.js';
export { ExtensionOffer, type ExtensionOfferProps } from './components/ExtensionOffer.js';
export { ExtensionRequests, type ExtensionRequestsProps } from './components/ExtensionRequests.js';
export { NoShowNotice, type NoShowNoticeProps } from './components/NoShowNotice.js';
export { OvertimeNotice, type OvertimeNoticeProps } from './components/OvertimeNotice.js';
export { ParticipantTile, type ParticipantTileProps } from './components/ParticipantTile.js';
export { PausedNotice, type PausedNoticeProps } from './components/PausedNotice.js';
export { PreJoin, type PreJoinProps } from './components/PreJoin.js';
export { SessionRecordTable, type SessionRecordTableProps } from './components/SessionRecordTable.js';
export { SessionTimeline, type SessionTimelineProps } from './components/SessionTimeline.js';
export { SessionTimer, type SessionTimerProps } from './components/SessionTimer.js';
export { SessionTimerAlert, type SessionTimerAlertProps } from './components/SessionTimerAlert.js';
export { SpeakerLayout, type SpeakerLayoutProps } from './components/SpeakerLayout.js';
export { StreamCall, type StreamCallProps } from './components/StreamCall.js';
export { StreamVideo, type StreamVideoProps } from './components/StreamVideo.js';
export { WaitingNotice, type WaitingNoticeProps } from './components/WaitingNotice.js';
export { WaitingRoom, type WaitingRoomProps } from './components/WaitingRoom.js';
export { WaitingScreen, type WaitingScreenProps } from './components/WaitingScreen.js';
export { answerInWords, listOf, refusalInWords, waitingInWords } from './clock_words.js';
export { limitsInWords, possibleSteps } from './components/ExtendSessionMenu.js';
export { nearest as nearestStep } from './components/AskForMoreTime.js';
export { describeDeviceFailure } from './device_failure.js';
export { countUpText, countdownText, durationInWords, moreTimeInWords, timeOfDay } from './durations.js';
export { useCall } from './hooks/useCall.js';
export { useCallStateHooks } from './hooks/useCallStateHooks.js';
export { type ClockControls as ClockControlsState, useClockControls } from './hooks/useClockControls.js';
export { useConnectionState } from './hooks/useConnectionState.js';
export { type DeviceSelect, useDeviceSelect } from './hooks/useDeviceSelect.js';
export { type ExtendSession, useExtendSession } from './hooks/useExtendSession.js';
export { type Extension, type ExtensionOptions, useExtension } from './hooks/useExtension.js';
export { type ExtensionRequests as ExtensionRequestsState, useExtensionRequests } from './hooks/useExtensionRequests.js';
export { useMaybeCall } from './hooks/useMaybeCall.js';
export type { CallParticipant } from './hooks/useParticipants.js';
export { useNameOf } from './hooks/useNameOf.js';
export { useNamesOfRoles } from './hooks/useNamesOfRoles.js';
export { useNoShow } from './hooks/useNoShow.js';
export { useSessionChanges } from './hooks/useSessionChanges.js';
export { useSessionClock } from './hooks/useSessionClock.js';
export { useSessionRecord } from './hooks/useSessionRecord.js';
export { useSessionTimer } from './hooks/useSessionTimer.js';
export {
  type SessionTimerAlerts,
  type SessionTimerAlertsOptions,
  useSessionTimerAlerts,
} from './hooks/useSessionTimerAlerts.js';
export { useMaybeStreamVideoClient, useStreamVideoClient } from './hooks/useStreamVideoClient.js';
export { type WaitingPerson, type WaitingRoom as WaitingRoomState, useWaitingRoom } from './hooks/useWaitingRoom.js';
export type { TrackState } from './hooks/useTrackState.js';
