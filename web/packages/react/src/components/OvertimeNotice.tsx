import type { ReactNode } from 'react';
import { timeOfDay } from '../durations.js';
import { useSessionClock } from '../hooks/useSessionClock.js';
import { NoticeRow } from './NoticeRow.js';

export interface OvertimeNoticeProps {
  className?: string;
  /** Actions, such as `<ExtendSessionButton>`. */
  children?: ReactNode;
}

/** The time is over and the call goes on for a while: until when, said once. */
export function OvertimeNotice({ className, children }: OvertimeNoticeProps) {
  const { state, hardEndsAt } = useSessionClock();
  const until = hardEndsAt === null ? '' : ` The call ends at ${timeOfDay(hardEndsAt)}.`;
  return (
    <NoticeRow
      kind="overtime"
      role="alert"
      className={className}
      text={state === 'overtime' ? `The time is over: this is overtime.${until}` : ''}
    >
      {children}
    </NoticeRow>
  );
}
