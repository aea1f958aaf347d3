import type { ChangeResponse, ParticipantRecord, SessionRecord } from '@callclock/client';
import { countUpText, durationInWords, exactTimeOfDay } from '../durations.js';
import { useNameOf } from '../hooks/useNameOf.js';

export interface SessionRecordTableProps {
  record: SessionRecord;
  className?: string;
}

/** What was sold and what was delivered: the times, who was there, and every change. */
export function SessionRecordTable({ record, className = '' }: SessionRecordTableProps) {
  const nameOf = useNameOf();
  return (
    <section className={`cc-record ${className}`} aria-label="Record of the session">
      <Times record={record} />
      <table className="cc-record-people">
        <caption>Who was there</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Present</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {record.participants.map((person) => (
            <tr key={person.user_id}>
              <th scope="row">{nameOf(person.user_id)}</th>
              <td>{countUpText(person.present_seconds * 1000)}</td>
              <td>{presenceInWords(person)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Changes ledger={record.ledger} nameOf={nameOf} />
    </section>
  );
}

function Times({ record }: { record: SessionRecord }) {
  const times = [
    ['Whole time', record.wall_seconds],
    ['Waiting', record.waiting_seconds],
    ['Running', record.running_seconds],
    ['Paused', record.paused_seconds],
    ['Overtime', record.overtime_seconds],
    ['All required present', record.required_present_seconds],
  ] as const;
  const isWorthALine = (seconds: number | null, at: number) => seconds !== null && (seconds > 0 || at === 0 || at === 2);
  return (
    <dl className="cc-record-times">
      {times
        .filter(([, seconds], at) => isWorthALine(seconds, at))
        .map(([words, seconds]) => (
          <div key={words}>
            <dt>{words}</dt>
            <dd>{countUpText((seconds ?? 0) * 1000)}</dd>
          </div>
        ))}
    </dl>
  );
}

interface ChangesProps {
  ledger: readonly ChangeResponse[];
  nameOf: (userId: string | null) => string;
}

function Changes({ ledger, nameOf }: ChangesProps) {
  const rows = ledger.filter(({ how }) => how !== 'start');
  if (rows.length === 0) return null;
  return (
    <table className="cc-record-changes">
      <caption>What changed</caption>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">What</th>
          <th scope="col">Who and why</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((change) => (
          <tr key={change.id}>
            <td>{exactTimeOfDay(change.at)}</td>
            <td>{changeInWords(change)}</td>
            <td>{whyInWords(change, nameOf)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function presenceInWords({ presence }: ParticipantRecord): string {
  return presence
    .map(({ joined_at, left_at }) => `${exactTimeOfDay(joined_at)}–${exactTimeOfDay(left_at)}`)
    .join(', ');
}

/** What a row of the ledger did to the clock. */
export function changeInWords({ how, seconds, details }: ChangeResponse): string {
  const length = durationInWords(Math.abs(seconds) * 1000);
  switch (how) {
    case 'start':
      return 'The session began';
    case 'clock_start':
      return 'The clock started';
    case 'pause':
      return 'Paused';
    case 'resume':
      return `Went on after ${durationInWords((details?.paused_seconds ?? 0) * 1000)}`;
    case 'overtime':
      return 'Overtime began';
    case 'policy':
      return 'The rules were changed';
    case 'remove':
      return 'The limit was taken away';
    default:
      return seconds < 0 ? `${length} taken away` : `${length} added`;
  }
}

function whyInWords({ how, by, reason, details }: ChangeResponse, nameOf: (userId: string | null) => string): string {
  const isRule = by === null && (how === 'clock_start' || how === 'pause' || how === 'resume' || how === 'overtime');
  const parts = [
    isRule ? ruleInWords(how, details) : nameOf(by),
    details?.requested_by && `asked for by ${inMidSentence(nameOf(details.requested_by))}`,
    details?.consent_by && `accepted by ${inMidSentence(nameOf(details.consent_by))}`,
    details?.price_text,
    reason,
  ];
  return parts.filter(Boolean).join(', ');
}

function ruleInWords(how: ChangeResponse['how'], details: ChangeResponse['details']): string {
  if (how === 'pause') return `Away: ${details?.roles?.join(', ') ?? 'somebody'}`;
  if (how === 'overtime') return 'The time was used up';
  if (details?.cause === 'max_pause_reached') return 'No more pausing was allowed';
  if (details?.cause === 'returned') return 'Everybody needed was back';
  if (details?.rule === 'all_roles') return 'Everybody needed was there';
  return 'By rule';
}

function inMidSentence(name: string): string {
  return name === 'You' ? 'you' : name;
}
