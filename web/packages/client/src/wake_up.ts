/**
 * Calls back when the page may have missed something: it becomes visible again, comes out of the back/forward
 * cache, or the network returns. Does nothing outside a browser. Gives back the way to stop.
 */
export function onWakeUp(callback: () => void): () => void {
  if (typeof window === 'undefined' || typeof document === 'undefined') return () => undefined;
  const visible = () => {
    if (document.visibilityState === 'visible') callback();
  };
  window.addEventListener('online', callback);
  window.addEventListener('pageshow', callback);
  document.addEventListener('visibilitychange', visible);
  return () => {
    window.removeEventListener('online', callback);
    window.removeEventListener('pageshow', callback);
    document.removeEventListener('visibilitychange', visible);
  };
}
