import { useCallCallingState } from './useCallCallingState.js';
import { useCallCreatedBy } from './useCallCreatedBy.js';
import { useCallCustomData } from './useCallCustomData.js';
import { useCallEndedAt } from './useCallEndedAt.js';
import { useCallEndedReason } from './useCallEndedReason.js';
import { useCallJoinError } from './useCallJoinError.js';
import { useCallLeftReason } from './useCallLeftReason.js';
import { useCallMembers } from './useCallMembers.js';
import { useCallSession } from './useCallSession.js';
import { useCallSettings } from './useCallSettings.js';
import { useCallCreatedAt, useCallStartsAt, useCallUpdatedAt } from './useCallTimes.js';
import { useCameraState } from './useCameraState.js';
import { useDeviceSelect } from './useDeviceSelect.js';
import { useHasPermissions } from './useHasPermissions.js';
import { useLocalParticipant } from './useLocalParticipant.js';
import { useMicrophoneState } from './useMicrophoneState.js';
import { useOwnCapabilities } from './useOwnCapabilities.js';
import { useParticipantCount } from './useParticipantCount.js';
import { useParticipants } from './useParticipants.js';
import { useRemoteParticipants } from './useRemoteParticipants.js';
import { useScreenShareState } from './useScreenShareState.js';
import { useSessionClock } from './useSessionClock.js';
import { useSessionTimer } from './useSessionTimer.js';

const HOOKS = {
  useCallCallingState,
  useCallCreatedAt,
  useCallCreatedBy,
  useCallCustomData,
  useCallEndedAt,
  useCallEndedReason,
  useCallJoinError,
  useCallLeftReason,
  useCallMembers,
  useCallSession,
  useCallSettings,
  useCallStartsAt,
  useCallUpdatedAt,
  useCameraState,
  useDeviceSelect,
  useHasPermissions,
  useLocalParticipant,
  useMicrophoneState,
  useOwnCapabilities,
  useParticipantCount,
  useParticipants,
  useRemoteParticipants,
  useScreenShareState,
  useSessionClock,
  useSessionTimer,
} as const;

/** All hooks that read the state of the call around; always the same object. */
export function useCallStateHooks(): typeof HOOKS {
  return HOOKS;
}
