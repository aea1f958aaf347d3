import { CallingState, useCallStateHooks, useConnectionState } from '@callclock/react';

/** Says that the connection is being sought again; the countdown above goes on by itself. */
export function ConnectionRow() {
  const calling = useCallStateHooks().useCallCallingState();
  const { phase } = useConnectionState();
  const words =
    calling === CallingState.RECONNECTING
      ? 'The connection was lost. Reconnecting… The countdown goes on.'
      : phase === 'waiting' || phase === 'refused'
        ? 'The clinic cannot be reached. Trying again… Your call and the countdown go on.'
        : '';
  return (
    <div className="tm-row" data-kind="connection" data-shown={words !== ''}>
      <p role="status">{words}</p>
    </div>
  );
}
