import { useMediaDeviceSelect } from '@livekit/components-react';

export interface DeviceSelect {
  devices: MediaDeviceInfo[];
  activeDeviceId: string;
  select: (deviceId: string) => Promise<void>;
}

/** The cameras, microphones or speakers of this machine, and the one in use. Only on secure pages (HTTPS, localhost). */
export function useDeviceSelect(kind: MediaDeviceKind): DeviceSelect {
  const { devices, activeDeviceId, setActiveMediaDevice } = useMediaDeviceSelect({ kind });
  return { devices, activeDeviceId, select: (deviceId) => setActiveMediaDevice(deviceId) };
}
