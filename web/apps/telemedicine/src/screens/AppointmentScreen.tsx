import { CallingState, type DeviceChoices, OwnCapability, useCall, useCallStateHooks } from '@callclock/react';
import { useEffect, useState } from 'react';
import { useEndedBy } from '../call/useEndedBy';
import { useStay } from '../call/useStay';
import { CallScreen } from './CallScreen';
import { EndScreen } from './EndScreen';
import { Notice } from './Notice';
import { PreJoinScreen } from './PreJoinScreen';
import { RefusedScreen } from './RefusedScreen';
import { WaitingRoomScreen } from './WaitingRoomScreen';

const REFUSED = new Set(['call-ended', 'call-not-found', 'token-expired', 'token-not-for-call', 'missing-capability']);

/** Before, in and after the call: one screen for each state that the call can be in. */
export function AppointmentScreen({ returningWith }: { returningWith: DeviceChoices | undefined }) {
  const call = useCall();
  const { useCallCallingState, useCallJoinError, useCallEndedAt, useHasPermissions } = useCallStateHooks();
  const calling = useCallCallingState();
  const problem = useCallJoinError()?.code;
  const isClosed = useCallEndedAt() !== undefined;
  const mayEnterEnded = useHasPermissions(OwnCapability.JOIN_ENDED_CALL);
  const endedBy = useEndedBy();
  const [devices, setDevices] = useState(returningWith);
  const stay = useStay(devices);
  const join = (choices: DeviceChoices) => {
    setDevices(choices);
    // Why it failed stands in the call's state.
    call.join({ devices: choices }).catch(() => undefined);
  };
  useEffect(() => {
    if (returningWith !== undefined) call.join({ devices: returningWith }).catch(() => undefined);
  }, [call, returningWith]);
  if (calling === CallingState.JOINED || calling === CallingState.RECONNECTING) return <CallScreen />;
  if (calling === CallingState.WAITING) return <WaitingRoomScreen />;
  if (calling === CallingState.LEFT || calling === CallingState.ENDED) {
    const rejoin = () => {
      join(devices ?? {});
    };
    return <EndScreen endedBy={endedBy} stay={stay} onRejoin={rejoin} />;
  }
  const isJoining = calling === CallingState.JOINING;
  if (isJoining && devices === returningWith && devices !== undefined) return <Notice heading="Back to your call…" />;
  if (isJoining && stay !== undefined) return <Notice heading="Rejoining…" />;
  if (isClosed && !mayEnterEnded) return <RefusedScreen code="call-ended" onRetry={() => undefined} />;
  if (problem !== undefined && REFUSED.has(problem)) return <RefusedScreen code={problem} onRetry={() => undefined} />;
  return <PreJoinScreen isJoining={isJoining} problem={problem} onJoin={join} />;
}
