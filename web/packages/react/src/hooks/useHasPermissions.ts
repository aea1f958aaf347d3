import type { OwnCapability } from '@callclock/client';
import { useOwnCapabilities } from './useOwnCapabilities.js';

/** Whether this user holds all of the capabilities. */
export function useHasPermissions(...capabilities: OwnCapability[]): boolean {
  const own = useOwnCapabilities();
  return capabilities.every((capability) => own.includes(capability));
}
