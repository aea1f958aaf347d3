import type { DeviceChoices } from '@callclock/client';

const KEY = 'callclock.stay';

/** Remembers that this tab is in the call, so that a reloaded page goes straight back in with its devices. */
export function rememberStay(cid: string, devices: DeviceChoices): void {
  sessionStorage.setItem(KEY, JSON.stringify({ cid, devices }));
}

export function forgetStay(): void {
  sessionStorage.removeItem(KEY);
}

/** The devices of a stay that a reload has interrupted. */
export function interruptedStay(cid: string): DeviceChoices | undefined {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as { cid: string; devices: DeviceChoices } | null;
  return kept?.cid === cid ? kept.devices : undefined;
}
