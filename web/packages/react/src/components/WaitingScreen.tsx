import { type ReactNode, useEffect, useRef } from 'react';
import { useCall } from '../hooks/useCall.js';
import { useCallStartsAt } from '../hooks/useCallTimes.js';
import { timeOfDay } from '../durations.js';

export interface WaitingScreenProps {
  className?: string;
  /** Whom one waits for; `Somebody` where nobody is named. */
  host?: string;
  onLeave?: () => void;
  /** More to see while waiting, such as one's own picture. */
  children?: ReactNode;
}

/** What the one who waits sees: that they are in the right place, and that waiting costs nothing. */
export function WaitingScreen({ className = '', host = 'Somebody', onLeave, children }: WaitingScreenProps) {
  const call = useCall();
  const startsAt = useCallStartsAt();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, []);
  const leave = async () => {
    // Gone from this page even where the server could not be told: it notices by itself.
    await call.leave().catch(() => undefined);
    onLeave?.();
  };
  return (
    <section className={`cc-waiting-screen ${className}`} aria-labelledby="cc-waiting-heading">
      <h1 id="cc-waiting-heading" ref={heading} tabIndex={-1}>
        You are in the waiting room
      </h1>
      <p>
        {host} will let you in. The clock has not started: waiting uses up no time.
        {startsAt !== undefined && ` The call is planned for ${timeOfDay(startsAt)}.`}
      </p>
      {children}
      <button type="button" className="cc-button" onClick={() => void leave()}>
        Leave
      </button>
    </section>
  );
}
