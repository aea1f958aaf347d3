import { moreTimeInWords, nearestStep, useExtension, useExtensionRequests } from '@callclock/react';
import { Icon } from '../parts/Icon';

const WISHED_SECONDS = 900;

/** One press asks those who may add time; absent for them, and while no time can be added. */
export function AskForTimeButton() {
  const { steps, maxSeconds, isAllowed, offer } = useExtension();
  const { canAsk, request, isPending } = useExtensionRequests();
  const seconds = nearestStep(WISHED_SECONDS, steps, maxSeconds);
  if (!canAsk || !isAllowed || offer !== null || seconds <= 0) return null;
  return (
    <button
      type="button"
      className="tm-control"
      data-kind="extend"
      aria-busy={isPending}
      onClick={() => void request(seconds)}
    >
      <span className="tm-control-face">
        <Icon name="plus" />
      </span>
      Ask for time
    </button>
  );
}

/** Says that the question is on its way, until it is answered or an offer stands in its place. */
export function AskedForTimeRow() {
  const { offer } = useExtension();
  const { mine, withdraw, isPending, error } = useExtensionRequests();
  const words = mine && offer === null ? `You asked for ${moreTimeInWords(mine.seconds)}. Waiting for the answer.` : '';
  return (
    <div className="tm-row" data-kind="asked" data-shown={words !== '' || error !== undefined}>
      <p role="status">{error ? `That did not work. ${error.message}` : words}</p>
      {words !== '' && (
        <button
          type="button"
          className="cc-button tm-row-button"
          aria-busy={isPending}
          onClick={() => void withdraw()}
        >
          Take it back
        </button>
      )}
    </div>
  );
}
