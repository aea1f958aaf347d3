const STORAGE_KEY = 'callclock.device';

/** This tab's own id: kept over a reload, so that the reloaded page takes the same place in the call. */
export function tabDeviceId(): string {
  const fresh = crypto.randomUUID();
  try {
    const known = sessionStorage.getItem(STORAGE_KEY);
    if (known !== null) return known;
    sessionStorage.setItem(STORAGE_KEY, fresh);
  } catch {
    // No session storage (Node, or a browser that forbids it): an id for this page alone.
  }
  return fresh;
}
