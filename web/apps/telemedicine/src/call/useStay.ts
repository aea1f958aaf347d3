import { CallingState, type DeviceChoice, type DeviceChoices, useCall, useCallStateHooks, useStreamVideoClient } from '@callclock/react';
import { useEffect, useState } from 'react';
import { forgetStay, rememberStay } from '../entry/stay';

export interface Stay {
  fromMs: number;
  untilMs: number;
}

/** The page is going: some browsers tell by the one, some by the other. */
const GOING = ['beforeunload', 'pagehide'];
/** How livekit-client's room calls the state in which the devices are as the person wants them. */
const CONNECTED = 'connected';

/**
 * When this page came in and went out, by the server's clock. Keeps the stay for a reload while it lasts;
 * `chosen` are the devices that it was entered with.
 */
export function useStay(chosen: DeviceChoices | undefined): Stay | undefined {
  const call = useCall();
  const { serverClock } = useStreamVideoClient();
  const { useCallCallingState, useMicrophoneState, useCameraState } = useCallStateHooks();
  const calling = useCallCallingState();
  const microphone = useKept(useMicrophoneState().isEnabled, chosen?.microphone);
  const camera = useKept(useCameraState().isEnabled, chosen?.camera);
  const isIn = calling === CallingState.JOINED || calling === CallingState.RECONNECTING;
  const [stay, setStay] = useState<Stay>();
  useEffect(() => {
    if (!isIn) return;
    const fromMs = serverClock.now();
    return () => {
      setStay({ fromMs, untilMs: serverClock.now() });
      forgetStay();
    };
  }, [isIn, serverClock]);
  useEffect(() => {
    if (!isIn) return;
    const remember = () => {
      const { room } = call.state.getSnapshot();
      if (room === undefined || room.state.valueOf() === CONNECTED) rememberStay(call.cid, { microphone, camera });
    };
    // Captured, so as to look before the media library disconnects and with that switches the devices off.
    for (const type of GOING) window.addEventListener(type, remember, { capture: true });
    return () => {
      for (const type of GOING) window.removeEventListener(type, remember, { capture: true });
    };
  }, [isIn, call, microphone, camera]);
  return stay;
}

/** What to come back with: what was chosen until the device has started, then whatever it is now. */
function useKept(isEnabled: boolean, chosen: DeviceChoice | undefined): DeviceChoice | undefined {
  const [hasStarted, setStarted] = useState(false);
  if (isEnabled && !hasStarted) setStarted(true);
  return hasStarted ? isEnabled : chosen;
}
