import { asCallclockError } from '@callclock/client';
import { OwnCapability, useCall, useCallStateHooks } from '@callclock/react';
import { type KeyboardEvent, type Ref, useEffect, useRef, useState } from 'react';
import { Icon } from '../parts/Icon';

interface EndForAllButtonProps {
  ref: Ref<HTMLButtonElement>;
  isOpen: boolean;
  panelId: string;
  onPress: () => void;
}

/** Asks before it ends the call for everybody; absent for those who may not. */
export function EndForAllButton({ ref, isOpen, panelId, onPress }: EndForAllButtonProps) {
  const mayEnd = useCallStateHooks().useHasPermissions(OwnCapability.END_CALL);
  if (!mayEnd) return null;
  return (
    <button
      ref={ref}
      type="button"
      className="tm-control"
      data-kind="end"
      aria-expanded={isOpen}
      aria-controls={panelId}
      onClick={onPress}
    >
      <span className="tm-control-face">
        <Icon name="end" />
      </span>
      End for all
    </button>
  );
}

interface EndForAllPanelProps {
  id: string;
  isOpen: boolean;
  onClose: () => void;
}

export function EndForAllPanel({ id, isOpen, onClose }: EndForAllPanelProps) {
  const call = useCall();
  const yes = useRef<HTMLButtonElement>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    if (isOpen) yes.current?.focus();
  }, [isOpen]);
  const end = async () => {
    setProblem('');
    try {
      await call.end();
    } catch (thrown) {
      setProblem(`The call goes on. ${asCallclockError(thrown, 'internal').message}`);
    }
  };
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onClose();
  };
  return (
    <div id={id} className="tm-panel" role="group" aria-label="End for all" hidden={!isOpen} onKeyDown={closeOnEscape}>
      <p>End the call for everybody?</p>
      <button ref={yes} type="button" className="cc-button tm-end-now" onClick={() => void end()}>
        End the call
      </button>
      <button type="button" className="cc-button" onClick={onClose}>
        Go on
      </button>
      <p className="tm-add-outcome" role="alert" data-failed="true">
        {problem}
      </p>
    </div>
  );
}
