import { expect, test } from 'vitest';
import * as react from '../src/index.js';

/** Design section 9: everything that a page imports, under its name. */
const NAMES = [
  'CallControls',
  'CallEnded',
  'CallingState',
  'ExtendSessionButton',
  'ExtendSessionMenu',
  'OwnCapability',
  'PreJoin',
  'SessionTimeline',
  'SessionTimer',
  'SessionTimerAlert',
  'SpeakerLayout',
  'StreamCall',
  'StreamVideo',
  'StreamVideoClient',
  'useCall',
  'useCallStateHooks',
  'useMaybeCall',
  'useSessionTimer',
  'useSessionTimerAlerts',
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
];

test.each(NAMES)('%s is exported', (name) => {
  expect(react).toHaveProperty(name);
});

test.each(HOOKS)('%s is one of the state hooks', (name) => {
  expect(react.useCallStateHooks()).toHaveProperty(name);
});
