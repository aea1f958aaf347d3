import { SessionTimer, countdownText, useCallStateHooks } from '@callclock/react';
import { useEffect, useRef } from 'react';
import { timeOfDay } from '../words/times';
import { namesOf, useOtherPeople } from './people';

/** The tab's title while in the call, so that the time left is seen from other tabs too. */
function useTitle(title: string): void {
  useEffect(() => {
    const before = document.title;
    document.title = title;
    return () => {
      document.title = before;
    };
  }, [title]);
}

/** Who is met, and how much time is left, in one row above everything. */
export function CallHeader() {
  const people = useOtherPeople();
  const { endsAt, remainingMs, state } = useCallStateHooks().useSessionTimer();
  const names = namesOf(people);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, []);
  useTitle(remainingMs === null ? names : `${countdownText(remainingMs)} left · ${names}`);
  return (
    <header className="tm-call-head">
      <h1 ref={heading} tabIndex={-1}>
        {names}
      </h1>
      <div className="tm-clock" data-state={state}>
        <SessionTimer />
        {endsAt !== null && <span className="tm-clock-end">ends {timeOfDay(endsAt)}</span>}
      </div>
    </header>
  );
}
