import { NoShowNotice, useCall, useCallStateHooks } from '@callclock/react';
import { ConnectionRow } from '../call/ConnectionRow';
import { namesOf, useOtherPeople } from '../call/people';
import { timeOfDay } from '../words/times';
import { Notice } from './Notice';

/** Before the doors: who will open them, and that waiting costs nothing. */
export function WaitingRoomScreen() {
  const call = useCall();
  const startsAt = useCallStateHooks().useCallStartsAt();
  const planned = startsAt === undefined ? '' : ` The appointment is planned for ${timeOfDay(startsAt)}.`;
  return (
    <Notice
      heading="You are in the waiting room"
      lead={`${namesOf(useOtherPeople())} will let you in.${planned} The clock has not started: waiting uses up no time.`}
    >
      <ConnectionRow />
      <NoShowNotice />
      <p className="tm-quiet">Please leave this page open. Your camera and microphone stay off until you are in.</p>
      <div className="tm-actions">
        <button type="button" className="cc-button" onClick={() => void call.leave().catch(() => undefined)}>
          Leave
        </button>
      </div>
    </Notice>
  );
}
