import { CallingState, type SessionTimerState, durationInWords, useCall, useCallStateHooks } from '@callclock/react';
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
  const { useCallCallingState, useCallEndedReason, useCallLeftReason, useCallSession, useSessionTimer } =
    useCallStateHooks();
  const call = useCall();
  const reason = useCallEndedReason();
  const leftReason = useCallLeftReason() ?? 'left';
  const session = useCallSession();
  const timer = useSessionTimer();
  const hasLeft = useCallCallingState() === CallingState.LEFT;
  const names = namesOf(useOtherPeople());
  const by = endedBy === call.currentUserId ? 'You' : endedBy;
  const ending = hasLeft ? endingAfterLeaving(leftReason, !OVER.includes(timer.state)) : endingOf(reason, names, by);
  const from = hasLeft ? stay?.fromMs : Date.parse(session?.started_at ?? '');
  const until = hasLeft ? stay?.untilMs : Date.parse(session?.ended_at ?? '');
  return (
    <Notice heading={ending.heading} lead={ending.lead}>
      {isTime(from) && isTime(until) && <Facts from={from} until={until} last={hasLeft ? 'You left' : 'Ended'} />}
      {(hasLeft || reason === 'max_duration_reached') && (
        <div className="tm-end-line" data-over={!hasLeft}>
          <TimeLine />
        </div>
      )}
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

function isTime(ms: number | undefined): ms is number {
  return ms !== undefined && !Number.isNaN(ms);
}

function Facts({ from, until, last }: { from: number; until: number; last: string }) {
  return (
    <dl className="tm-facts">
      <div>
        <dt>{last === 'Ended' ? 'Lasted' : 'You were in for'}</dt>
        <dd>{durationInWords(until - from)}</dd>
      </div>
      <div>
        <dt>{last === 'Ended' ? 'Started' : 'You joined'}</dt>
        <dd>{timeOfDay(new Date(from))}</dd>
      </div>
      <div>
        <dt>{last}</dt>
        <dd>{timeOfDay(new Date(until))}</dd>
      </div>
    </dl>
  );
}
