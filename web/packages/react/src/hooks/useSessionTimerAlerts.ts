import { CustomAlerts, type SessionTimerAlert } from '@callclock/client';
import { useEffect, useEffectEvent, useMemo, useSyncExternalStore } from 'react';
import { useCall } from './useCall.js';

export interface SessionTimerAlertsOptions {
  /** Seconds before the end; by default the call's own `limits.warning_seconds`. */
  thresholdsSeconds?: readonly number[];
  /** Called once per threshold and deadline. */
  onAlert?: (alert: SessionTimerAlert) => void;
}

export interface SessionTimerAlerts {
  /** The warning that is up now, or null. */
  alert: SessionTimerAlert | null;
  /** Takes it down until the next threshold, or until an extension passes this one again. */
  dismiss: () => void;
}

export function useSessionTimerAlerts(options: SessionTimerAlertsOptions = {}): SessionTimerAlerts {
  const { clock } = useCall();
  const own = options.thresholdsSeconds?.join();
  const custom = useMemo(
    () => (own === undefined ? undefined : new CustomAlerts(clock, own.split(',').map(Number))),
    [clock, own],
  );
  const source = custom ?? clock.alert;
  const alert = useSyncExternalStore(source.subscribe, source.getSnapshot, source.getSnapshot);
  const tell = useEffectEvent((news: SessionTimerAlert) => options.onAlert?.(news));
  useEffect(() => {
    if (alert !== null) tell(alert);
  }, [alert]);
  return { alert, dismiss: custom?.dismiss ?? clock.dismissAlert };
}
