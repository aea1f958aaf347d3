import { SpeakerLayout, useCallStateHooks } from '@callclock/react';
import { namesOf, useOtherPeople } from './people';

/** The pictures. Alone, one's own stands at the side and the place of the other is kept free. */
export function Stage() {
  const others = useOtherPeople();
  const isAlone = useCallStateHooks().useRemoteParticipants().length === 0;
  return (
    <section className="tm-stage" data-alone={isAlone} aria-label="Video">
      <div className="tm-waiting" hidden={!isAlone}>
        <p role="status">{isAlone && `Waiting for ${namesOf(others)}`}</p>
        <p>{isAlone && 'They will appear here as soon as they join.'}</p>
      </div>
      <SpeakerLayout />
    </section>
  );
}
