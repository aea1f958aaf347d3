import { type KeyboardEvent, type SyntheticEvent, useId, useRef, useState } from 'react';
import { durationInWords } from '../durations.js';
import { type ExtendSession, useExtendSession } from '../hooks/useExtendSession.js';

export interface ExtendSessionMenuProps {
  /** Seconds on offer. */
  steps?: readonly number[];
  /** The longest extension that may be typed in, in minutes. */
  maxMinutes?: number;
  className?: string;
}

const STEPS = [300, 900, 1800];

/** Extensions to choose from, or of a length of one's own; drawn only for those who may. */
export function ExtendSessionMenu({ steps = STEPS, maxMinutes = 240, className = '' }: ExtendSessionMenuProps) {
  const [isOpen, setOpen] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const panelId = useId();
  const extension = useExtendSession();
  if (!extension.canExtend) return null;
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !isOpen) return;
    setOpen(false);
    opener.current?.focus();
  };
  return (
    <div className={`cc-extend-menu ${className}`} onKeyDown={closeOnEscape}>
      <button
        ref={opener}
        type="button"
        className="cc-button cc-button-accent"
        aria-expanded={isOpen}
        aria-controls={panelId}
        onClick={() => {
          setOpen(!isOpen);
        }}
      >
        Add time
      </button>
      <div id={panelId} className="cc-extend-panel" role="group" aria-label="Add time" hidden={!isOpen}>
        {steps.map((seconds) => (
          <button key={seconds} type="button" className="cc-button" onClick={() => void extension.extend(seconds)}>
            + {durationInWords(seconds * 1000)}
          </button>
        ))}
        <CustomMinutes maxMinutes={maxMinutes} onChoose={(minutes) => void extension.extend(minutes * 60)} />
      </div>
      <span className="cc-extend-status" role="status">
        {outcomeInWords(extension)}
      </span>
    </div>
  );
}

function CustomMinutes({ maxMinutes, onChoose }: { maxMinutes: number; onChoose: (minutes: number) => void }) {
  const [minutes, setMinutes] = useState('');
  const inputId = useId();
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const value = Number(minutes);
    if (!Number.isInteger(value) || value < 1 || value > maxMinutes) return;
    setMinutes('');
    onChoose(value);
  };
  return (
    <form className="cc-extend-custom" onSubmit={submit}>
      <label htmlFor={inputId}>Minutes</label>
      <input
        id={inputId}
        type="number"
        inputMode="numeric"
        required
        min={1}
        max={maxMinutes}
        step={1}
        value={minutes}
        onChange={(event) => {
          setMinutes(event.target.value);
        }}
      />
      <button type="submit" className="cc-button">
        Add
      </button>
    </form>
  );
}

function outcomeInWords({ isPending, error, addedSeconds }: ExtendSession): string {
  if (isPending) return 'Adding time…';
  if (error !== undefined) return `No time was added: ${error.message}`;
  return addedSeconds === undefined ? '' : `${durationInWords(addedSeconds * 1000)} added`;
}
