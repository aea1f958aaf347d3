import { type KeyboardEvent, type SyntheticEvent, useId, useRef, useState } from 'react';
import { freeTimeInWords, refusalInWords } from '../clock_words.js';
import { durationInWords } from '../durations.js';
import { type Extension, useExtension } from '../hooks/useExtension.js';
import { type ExtendSession, useExtendSession } from '../hooks/useExtendSession.js';

export interface ExtendSessionMenuProps {
  /** Seconds on offer, where the call's rules do not say which. */
  steps?: readonly number[];
  /** The longest extension that may be typed in, in minutes. */
  maxMinutes?: number;
  /** What so many seconds cost, for those who must consent. */
  priceText?: (seconds: number) => string | undefined;
  className?: string;
}

const STEPS = [300, 900, 1800];

/**
 * Extensions to choose from, or of a length of one's own: those that would be accepted now, and a word where
 * there is none. Drawn only for those who may extend.
 */
export function ExtendSessionMenu(props: ExtendSessionMenuProps) {
  const { steps = STEPS, maxMinutes = 240, priceText, className = '' } = props;
  const [isOpen, setOpen] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const panelId = useId();
  const extending = useExtendSession();
  const extension = useExtension();
  if (!extending.canExtend) return null;
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !isOpen) return;
    setOpen(false);
    opener.current?.focus();
  };
  const extend = (seconds: number) => void extending.extend(seconds, undefined, priceText?.(seconds));
  const longestMinutes = Math.min(maxMinutes, Math.floor((extension.maxSeconds ?? Infinity) / 60));
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
        {extension.needsConsent ? 'Offer more time' : 'Add time'}
      </button>
      <div id={panelId} className="cc-extend-panel" role="group" aria-label="Add time" hidden={!isOpen}>
        {possibleSteps(extension, steps).map((seconds) => (
          <button
            key={seconds}
            type="button"
            className="cc-button"
            onClick={() => {
              extend(seconds);
            }}
          >
            + {durationInWords(seconds * 1000)}{' '}
            {priceText && <span className="cc-extend-price">{priceText(seconds)}</span>}
          </button>
        ))}
        {extension.isAllowed && extension.steps === null && longestMinutes > 0 && (
          <CustomMinutes
            maxMinutes={longestMinutes}
            onChoose={(minutes) => {
              extend(minutes * 60);
            }}
          />
        )}
        <p className="cc-extend-limits">{limitsInWords(extension)}</p>
      </div>
      <span className="cc-extend-status" role="status">
        {outcomeInWords(extending)}
      </span>
    </div>
  );
}

/** The lengths that would be accepted now: those of the call's rules, or those of `wished` that fit. */
export function possibleSteps(
  { isAllowed, steps, maxSeconds }: Pick<Extension, 'isAllowed' | 'steps' | 'maxSeconds'>,
  wished: readonly number[],
): readonly number[] {
  if (!isAllowed) return [];
  return steps ?? wished.filter((seconds) => seconds <= (maxSeconds ?? seconds));
}

/** Why nothing can be added, or what bounds it. */
export function limitsInWords(extension: Extension): string {
  const refusal = refusalInWords(extension);
  if (refusal !== '') return refusal;
  const { countLeft } = extension;
  const count = countLeft === null ? '' : countLeft === 1 ? 'One extension is left.' : `${countLeft} extensions are left.`;
  return [count, freeTimeInWords(extension)].filter(Boolean).join(' ');
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

function outcomeInWords({ isPending, error, addedSeconds, warning }: ExtendSession): string {
  if (isPending) return 'Adding time…';
  if (error !== undefined) return `No time was added: ${error.message}`;
  if (warning !== undefined) return `${durationInWords((addedSeconds ?? 0) * 1000)} added, into the next appointment`;
  return addedSeconds === undefined ? '' : `${durationInWords(addedSeconds * 1000)} added`;
}
