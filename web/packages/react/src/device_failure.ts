import { MediaDeviceFailure } from 'livekit-client';

/** Why a camera or microphone would not start, in words for the person in front of it. */
export function describeDeviceFailure(error: Error, device: 'camera' | 'microphone'): string {
  if (!window.isSecureContext) {
    return `The browser keeps your ${device} back because this page was not opened over HTTPS.`;
  }
  switch (MediaDeviceFailure.getFailure(error)) {
    case MediaDeviceFailure.PermissionDenied:
      return `The browser may not use your ${device}. Allow it in the address bar, then try again.`;
    case MediaDeviceFailure.NotFound:
      return `No ${device} was found. Connect one, then try again.`;
    case MediaDeviceFailure.DeviceInUse:
      return `Another program is using your ${device}. Close it, then try again.`;
    default:
      return `Your ${device} could not be started.`;
  }
}
