import { ClockControls, limitsInWords, possibleSteps, useExtendSession, useExtension } from '@callclock/react';
import { type KeyboardEvent, type Ref, type SubmitEvent, useEffect, useId, useRef, useState } from 'react';
import { Icon } from '../parts/Icon';
import { usePriceText } from './usePriceText';

interface AddTimeButtonProps {
  ref: Ref<HTMLButtonElement>;
  isOpen: boolean;
  panelId: string;
  onPress: () => void;
}

/** Opens the panel below; absent for those who may not add time. */
export function AddTimeButton({ ref, isOpen, panelId, onPress }: AddTimeButtonProps) {
  const { canExtend } = useExtendSession();
  const { needsConsent } = useExtension();
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
      {needsConsent ? 'Offer time' : 'Add time'}
    </button>
  );
}

const STEPS_SECONDS = [300, 900, 1800];
const LONGEST_MINUTES = 240;

interface AddTimePanelProps {
  id: string;
  isOpen: boolean;
  onClose: () => void;
}

/**
 * Lengths that can be added now, or one of one's own; the price where there is one; and the clock's own
 * buttons. Closes when time was added or offered, stays and says why when it was not.
 */
export function AddTimePanel({ id, isOpen, onClose }: AddTimePanelProps) {
  const extending = useExtendSession();
  const extension = useExtension();
  const priceText = usePriceText();
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isOpen) panel.current?.querySelector('button')?.focus();
  }, [isOpen]);
  if (!extending.canExtend) return null;
  const add = async (seconds: number) => {
    if (await extending.extend(seconds, undefined, priceText(seconds))) onClose();
  };
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onClose();
  };
  const longest = Math.min(LONGEST_MINUTES, Math.floor((extension.maxSeconds ?? Infinity) / 60));
  return (
    <div
      ref={panel}
      id={id}
      className="tm-panel"
      role="group"
      aria-label="Add time"
      aria-busy={extending.isPending}
      hidden={!isOpen}
      onKeyDown={closeOnEscape}
    >
      {possibleSteps(extension, STEPS_SECONDS).map((seconds) => (
        <button
          key={seconds}
          type="button"
          className="cc-button tm-add-step"
          disabled={extending.isPending}
          onClick={() => void add(seconds)}
        >
          + {seconds / 60} min <Price text={priceText(seconds)} />
        </button>
      ))}
      {extension.isAllowed && extension.steps === null && longest > 0 && (
        <CustomLength longest={longest} isPending={extending.isPending} onChoose={(minutes) => void add(minutes * 60)} />
      )}
      <ClockControls className="tm-add-clock" />
      <button type="button" className="cc-button tm-add-close" aria-label="Close" onClick={onClose}>
        <Icon name="close" />
      </button>
      <p className="tm-add-limits">{limitsInWords(extension)}</p>
      <p className="tm-add-outcome" role="status" data-failed={extending.error !== undefined}>
        {extending.isPending && 'Adding time…'}
        {extending.error && `No time was added. ${extending.error.message}`}
      </p>
    </div>
  );
}

function Price({ text }: { text: string | undefined }) {
  return text === undefined ? null : <span className="tm-add-price">{text}</span>;
}

interface CustomLengthProps {
  /** In minutes. */
  longest: number;
  isPending: boolean;
  onChoose: (minutes: number) => void;
}

function CustomLength({ longest, isPending, onChoose }: CustomLengthProps) {
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
        max={longest}
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
