import type { CallEvent } from '@callclock/client';
import { useCall } from '@callclock/react';
import { useEffect, useState } from 'react';
import { Icon } from '../parts/Icon';
import { lengthInWords, timeOfDay } from '../words/times';

const SHOWN_FOR_MS = 20_000;

/** Tells everybody in the call who moved its end, and to when. */
export function ClockNews() {
  const call = useCall();
  const [news, setNews] = useState('');
  useEffect(
    () =>
      call.on('call.session_clock_changed', (event) => {
        setNews(inWords(event, call.currentUserId));
      }),
    [call],
  );
  useEffect(() => {
    if (news === '') return;
    const timeout = setTimeout(() => {
      setNews('');
    }, SHOWN_FOR_MS);
    return () => {
      clearTimeout(timeout);
    };
  }, [news]);
  return (
    <div className="tm-row" data-kind="news" data-shown={news !== ''}>
      {news !== '' && <Icon name="clock" />}
      <p role="status">{news}</p>
      {news !== '' && (
        <button
          type="button"
          className="cc-button tm-row-button"
          onClick={() => {
            setNews('');
          }}
        >
          Dismiss
        </button>
      )}
    </div>
  );
}

function inWords({ change, user }: CallEvent, ownUserId: string): string {
  if (!change) return '';
  const who = change.by === null ? 'The clinic' : change.by === ownUserId ? 'You' : (user?.name ?? change.by);
  if (change.new_ends_at === null) return `${who} took the time limit away`;
  const length = lengthInWords(Math.abs(change.seconds));
  const deed = change.seconds < 0 ? `shortened the call by ${length}` : `added ${length}`;
  return `${who} ${deed} · now ends ${timeOfDay(change.new_ends_at)}`;
}
