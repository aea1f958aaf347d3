import { useWaitingRoom } from '../hooks/useWaitingRoom.js';

export interface WaitingRoomProps {
  className?: string;
}

/** Who waits to be let in, one button for each and one for all; drawn only for those who may admit. */
export function WaitingRoom({ className = '' }: WaitingRoomProps) {
  const { canAdmit, count, people, admit, goLive, isPending, error } = useWaitingRoom();
  if (!canAdmit) return null;
  return (
    <section className={`cc-waiting-room ${className}`} aria-label="Waiting room" data-shown={count > 0}>
      <p className="cc-waiting-room-count" role="status">
        {count > 0 && `${count} ${count === 1 ? 'person waits' : 'people wait'} to be let in.`}
        {error && ` ${error.message}`}
      </p>
      {count > 0 && (
        <ul className="cc-waiting-room-list">
          {people.map(({ userId, name }) => (
            <li key={userId}>
              <button
                type="button"
                className="cc-button cc-button-accent"
                aria-busy={isPending}
                onClick={() => void admit(userId)}
              >
                Let {name} in
              </button>
            </li>
          ))}
        </ul>
      )}
      {count > 1 && (
        <button type="button" className="cc-button" aria-busy={isPending} onClick={() => void goLive()}>
          Let everybody in
        </button>
      )}
    </section>
  );
}
