import { useEffect, useState } from 'react';

/** The machine's devices of one kind, once the browser may name them; follows what is plugged in or out. */
export function useMachineDevices(kind: MediaDeviceKind, isAllowed: boolean): MediaDeviceInfo[] {
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  useEffect(() => {
    if (!isAllowed) return;
    let isCurrent = true;
    const list = async () => {
      const all = await navigator.mediaDevices.enumerateDevices();
      if (isCurrent) setDevices(all.filter((device) => device.kind === kind && device.deviceId !== ''));
    };
    const listAgain = () => void list();
    listAgain();
    navigator.mediaDevices.addEventListener('devicechange', listAgain);
    return () => {
      isCurrent = false;
      navigator.mediaDevices.removeEventListener('devicechange', listAgain);
    };
  }, [kind, isAllowed]);
  return devices;
}
