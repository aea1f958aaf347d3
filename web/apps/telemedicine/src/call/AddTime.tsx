import { useExtendSession } from '@callclock/react';
import { type KeyboardEvent, type Ref, type SubmitEvent, useEffect, useId, useRef, useState } from 'react';
import { Icon } from '../parts/Icon';

interface AddTimeButtonProps {
  ref: Ref<HTMLButtonElement>;
  isOpen: boolean;
  panelId: string;
  onPress: () => void;
}

/** Opens the panel below; absent for those who may not add time. */
export function AddTimeButton({ ref, isOpen, panelId, onPress }: AddTimeButtonProps) {
  const { canExtend } = useExtendSession();
  if (!canExtend) return null;
  return (
    <button
      ref={ref}
      type="button"
      className="tm-control"
      data-kind="extend"
      aria-expanded={isOpen}
      aria-controls={panelId}
      onClick={onPress}
    >
      <span className="tm-control-face">
        <Icon name="plus" />
      </span>
      Add time
    </button>
  );
}

const STEPS_MINUTES = [5, 15, 30];
const LONGEST_MINUTES = 240;

interface AddTimePanelProps {
  id: string;
  isOpen: boolean;
  onClose: () => void;
}

/** Lengths to add, or one of one's own; closes when time was added, stays and says why when it was not. */
export function AddTimePanel({ id, isOpen, onClose }: AddTimePanelProps) {
  const extension = useExtendSession();
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isOpen) first.current?.focus();
  }, [isOpen]);
  if (!extension.canExtend) return null;
  const add = async (minutes: number) => {
    if (await extension.extend(minutes * 60)) onClose();
  };
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onClose();
  };
  return (
    <div
      id={id}
      className="tm-panel"
      role="group"
      aria-label="Add time"
      aria-busy={extension.isPending}
      hidden={!isOpen}
      onKeyDown={closeOnEscape}
    >
      {STEPS_MINUTES.map((minutes, index) => (
        <button
          key={minutes}
          ref={index === 0 ? first : undefined}
          type="button"
          className="cc-button tm-add-step"
          disabled={extension.isPending}
          onClick={() => void add(minutes)}
        >
          + {minutes} min
        </button>
      ))}
      <CustomLength isPending={extension.isPending} onChoose={(minutes) => void add(minutes)} />
      <button type="button" className="cc-button tm-add-close" aria-label="Close" onClick={onClose}>
        <Icon name="close" />
      </button>
      <p className="tm-add-outcome" role="status" data-failed={extension.error !== undefined}>
        {extension.isPending && 'Adding time…'}
        {extension.error && `No time was added. ${extension.error.message}`}
      </p>
    </div>
  );
}

function CustomLength({ isPending, onChoose }: { isPending: boolean; onChoose: (minutes: number) => void }) {
  const [minutes, setMinutes] = useState('');
  const inputId = useId();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setMinutes('');
    onChoose(Number(minutes));
  };
  return (
    <form className="tm-add-custom" onSubmit={submit}>
      <label htmlFor={inputId}>Minutes</label>
      <input
        id={inputId}
        type="number"
        inputMode="numeric"
        required
        min={1}
        max={LONGEST_MINUTES}
        value={minutes}
        onChange={(event) => {
          setMinutes(event.target.value);
        }}
      />
      <button type="submit" className="cc-button" disabled={isPending}>
        Add
      </button>
    </form>
  );
}
