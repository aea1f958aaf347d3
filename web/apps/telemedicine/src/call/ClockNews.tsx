import type { CallEvent } from '@callclock/client';
import { useCall, useNameOf } from '@callclock/react';
import { useEffect, useEffectEvent, useState } from 'react';
import { Icon } from '../parts/Icon';
import { changeInWords, refusalOfTime } from '../words/changes';

const SHOWN_FOR_MS = 20_000;

const TOLD = ['call.session_clock_changed', 'call.extension_answered'] as const;

/** Tells everybody in the call who moved its end, and to when; and what became of offers and requests. */
export function ClockNews() {
  const call = useCall();
  const [news, setNews] = useState('');
  const nameOf = useNameOf('The clinic');
  const tell = useEffectEvent((event: CallEvent) => {
    const words = inWords(event, nameOf);
    if (words !== '') setNews(words);
  });
  useEffect(() => {
    const stops = TOLD.map((type) => call.on(type, tell));
    return () => {
      for (const stop of stops) stop();
    };
  }, [call]);
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

function inWords({ change, answer, offer, request, user }: CallEvent, nameOf: (id: string | null) => string): string {
  if (change) return changeInWords(change, nameOf);
  if (!answer) return '';
  const by = user ? { id: user.id, name: user.name } : null;
  return refusalOfTime({ answer, offer: offer ?? null, request: request ?? null, by }, nameOf);
}
