import { expect, test } from 'vitest';
import * as react from '../src/index.js';

/** Design section 9: everything that a page imports, under its name. */
const NAMES = [
  'AskForMoreTime',
  'CallControls',
  'CallEnded',
  'CallingState',
  'ClockControls',
  'ExtendSessionButton',
  'ExtendSessionMenu',
  'ExtensionOffer',
  'ExtensionRequests',
  'NoShowNotice',
  'OvertimeNotice',
  'OwnCapability',
  'PausedNotice',
  'PreJoin',
  'SessionRecordTable',
  'SessionTimeline',
  'SessionTimer',
  'SessionTimerAlert',
  'SpeakerLayout',
  'StreamCall',
  'StreamVideo',
  'StreamVideoClient',
  'WaitingNotice',
  'WaitingRoom',
  'WaitingScreen',
  'useCall',
  'useCallStateHooks',
  'useClockControls',
  'useExtension',
  'useExtensionRequests',
  'useMaybeCall',
  'useSessionClock',
  'useSessionRecord',
  'useSessionTimer',
  'useSessionTimerAlerts',
  'useWaitingRoom',
];
const HOOKS = [
  'useCallCallingState',
  'useCallCustomData',
  'useCallEndedAt',
  'useCallMembers',
  'useCallSession',
  'useCallSettings',
  'useCameraState',
  'useHasPermissions',
  'useLocalParticipant',
  'useMicrophoneState',
  'useOwnCapabilities',
  'useParticipants',
  'useScreenShareState',
  'useSessionClock',
];

test.each(NAMES)('%s is exported', (name) => {
  expect(react).toHaveProperty(name);
});

test.each(HOOKS)('%s is one of the state hooks', (name) => {
  expect(react.useCallStateHooks()).toHaveProperty(name);
});
