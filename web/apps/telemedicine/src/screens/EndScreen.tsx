import {
  CallingState,
  type SessionRecord,
  SessionRecordTable,
  type SessionTimerState,
  durationInWords,
  useCall,
  useCallStateHooks,
  useSessionRecord,
} from '@callclock/react';
import { TimeLine } from '../call/TimeLine';
import { namesOf, useOtherPeople } from '../call/people';
import { endingAfterLeaving, endingOf } from '../words/endings';
import { timeOfDay } from '../words/times';
import { Notice } from './Notice';

interface EndScreenProps {
  /** Who ended the call for everybody, where somebody did. */
  endedBy: string | undefined;
  /** When this page was in the call, in milliseconds of the server's time. */
  stay: { fromMs: number; untilMs: number } | undefined;
  onRejoin: () => void;
}

const OVER: readonly SessionTimerState[] = ['ended', 'idle'];

/** The end as a page: why it is over, how long it was, and the way back where there is one. */
export function EndScreen({ endedBy, stay, onRejoin }: EndScreenProps) {
  const { useCallCallingState, useCallEndedReason, useCallLeftReason, useCallSession, useSessionClock, useSessionTimer } =
    useCallStateHooks();
  const call = useCall();
  const reason = useCallEndedReason();
  const leftReason = useCallLeftReason() ?? 'left';
  const session = useCallSession();
  const timer = useSessionTimer();
  const record = useSessionRecord();
  const startedAt = useSessionClock().startedAt ?? undefined;
  const hasLeft = useCallCallingState() === CallingState.LEFT;
  const names = namesOf(useOtherPeople());
  const by = endedBy === call.currentUserId ? 'You' : endedBy;
  const ending = hasLeft ? endingAfterLeaving(leftReason, !OVER.includes(timer.state)) : endingOf(reason, names, by);
  const from = hasLeft ? stay?.fromMs : startedAt?.getTime();
  const until = hasLeft ? stay?.untilMs : Date.parse(session?.ended_at ?? '');
  const shown = !hasLeft && record !== undefined && isWorthShowing(record) ? record : undefined;
  return (
    <Notice heading={ending.heading} lead={ending.lead}>
      {isTime(from) && isTime(until) && <Facts from={from} until={until} hasLeft={hasLeft} />}
      {(hasLeft || reason === 'max_duration_reached' || reason === 'overtime_used_up') && (
        <div className="tm-end-line" data-over={!hasLeft}>
          <TimeLine />
        </div>
      )}
      {shown !== undefined && <SessionRecordTable record={shown} />}
      {ending.wayBack !== undefined && (
        <div className="tm-actions">
          <button type="button" className="cc-button cc-button-accent tm-main-button" onClick={onRejoin}>
            {ending.wayBack}
          </button>
        </div>
      )}
    </Notice>
  );
}

/** A session that only ran and ended is told by its length. */
function isWorthShowing({ waiting_seconds, paused_seconds, overtime_seconds, ledger }: SessionRecord): boolean {
  return waiting_seconds + paused_seconds + overtime_seconds > 0 || ledger.some(({ how }) => how !== 'start');
}

function isTime(ms: number | undefined): ms is number {
  return ms !== undefined && !Number.isNaN(ms);
}

function Facts({ from, until, hasLeft }: { from: number; until: number; hasLeft: boolean }) {
  return (
    <dl className="tm-facts">
      <div>
        <dt>{hasLeft ? 'You were in for' : 'Lasted'}</dt>
        <dd>{durationInWords(until - from)}</dd>
      </div>
      <div>
        <dt>{hasLeft ? 'You joined' : 'Started'}</dt>
        <dd>{timeOfDay(new Date(from))}</dd>
      </div>
      <div>
        <dt>{hasLeft ? 'You left' : 'Ended'}</dt>
        <dd>{timeOfDay(new Date(until))}</dd>
      </div>
    </dl>
  );
}
