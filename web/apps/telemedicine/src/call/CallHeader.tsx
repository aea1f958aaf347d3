import { type SessionClockSnapshot, SessionTimer, countUpText, countdownText, useCallStateHooks } from '@callclock/react';
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
  const { useSessionClock, useSessionTimer } = useCallStateHooks();
  const clock = useSessionClock();
  const { state } = useSessionTimer();
  const names = namesOf(people);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, []);
  useTitle([clockInTitle(clock), names].filter(Boolean).join(' · '));
  return (
    <header className="tm-call-head">
      <h1 ref={heading} tabIndex={-1}>
        {names}
      </h1>
      <div className="tm-clock" data-state={clock.state === 'running' ? state : clock.state}>
        <SessionTimer />
        {clock.endsAt !== null && <span className="tm-clock-end">{endInWords(clock)}</span>}
      </div>
    </header>
  );
}

function clockInTitle({ state, remainingMs, overtimeMs }: SessionClockSnapshot): string {
  if (state === 'overtime') return `Overtime +${countUpText(overtimeMs)}`;
  if (remainingMs === null) return '';
  const left = countdownText(remainingMs);
  return state === 'paused' ? `Paused, ${left} left` : state === 'waiting' ? `${left}, not started` : `${left} left`;
}

function endInWords({ state, endsAt, hardEndsAt }: SessionClockSnapshot): string {
  const end = state === 'overtime' ? hardEndsAt : endsAt;
  if (end === null) return '';
  return state === 'paused' ? `ends by ${timeOfDay(end)}` : `ends ${timeOfDay(end)}`;
}
