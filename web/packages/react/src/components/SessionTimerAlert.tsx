import type { ReactNode } from 'react';
import { durationInWords } from '../durations.js';
import { useSessionTimer } from '../hooks/useSessionTimer.js';
import { type SessionTimerAlertsOptions, useSessionTimerAlerts } from '../hooks/useSessionTimerAlerts.js';

export interface SessionTimerAlertProps extends SessionTimerAlertsOptions {
  className?: string;
  /** Actions beside "Dismiss", such as `<ExtendSessionButton>`. */
  children?: ReactNode;
}

/**
 * The warning that the session is about to end. The text stands still, so that a screen reader says it once
 * per threshold; it takes room of its own instead of lying over a picture.
 */
export function SessionTimerAlert({ className = '', children, ...options }: SessionTimerAlertProps) {
  const { alert, dismiss } = useSessionTimerAlerts(options);
  const { state } = useSessionTimer();
  const isOver = state === 'ended';
  const isShown = alert !== null || isOver;
  return (
    <div className={`cc-alert ${className}`} data-state={state} data-shown={isShown}>
      <p className="cc-alert-text" role="alert">
        {isOver ? 'The time has run out.' : alert && `Less than ${durationInWords(alert.thresholdSeconds * 1000)} left`}
      </p>
      {alert !== null && !isOver && (
        <div className="cc-alert-actions">
          {children}
          <button type="button" className="cc-button" onClick={dismiss}>
            Dismiss
          </button>
        </div>
      )}
    </div>
  );
}
