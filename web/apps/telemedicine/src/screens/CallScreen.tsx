import { ExtendSessionButton, SessionTimerAlert } from '@callclock/react';
import { useId, useRef, useState } from 'react';
import { AddTimeButton, AddTimePanel } from '../call/AddTime';
import { CallHeader } from '../call/CallHeader';
import { ClockNews } from '../call/ClockNews';
import { ConnectionRow } from '../call/ConnectionRow';
import { Controls } from '../call/Controls';
import { EndForAllButton, EndForAllPanel } from '../call/EndForAll';
import { Stage } from '../call/Stage';
import { TimeLine } from '../call/TimeLine';

const ALERT_EXTENSION_SECONDS = 900;

/** The call: rows from the clock down to the controls, none over another. */
export function CallScreen() {
  const [open, setOpen] = useState<'add' | 'end'>();
  const addButton = useRef<HTMLButtonElement>(null);
  const endButton = useRef<HTMLButtonElement>(null);
  const [addId, endId] = [useId(), useId()];
  const press = (panel: 'add' | 'end') => () => {
    setOpen(open === panel ? undefined : panel);
  };
  const close = () => {
    const opener = open === 'add' ? addButton : endButton;
    setOpen(undefined);
    opener.current?.focus();
  };
  return (
    <main className="tm-call">
      <CallHeader />
      <TimeLine />
      <ConnectionRow />
      <SessionTimerAlert>
        <ExtendSessionButton duration={ALERT_EXTENSION_SECONDS} />
      </SessionTimerAlert>
      <ClockNews />
      <Stage />
      <AddTimePanel id={addId} isOpen={open === 'add'} onClose={close} />
      <EndForAllPanel id={endId} isOpen={open === 'end'} onClose={close} />
      <Controls>
        <AddTimeButton ref={addButton} isOpen={open === 'add'} panelId={addId} onPress={press('add')} />
        <EndForAllButton ref={endButton} isOpen={open === 'end'} panelId={endId} onPress={press('end')} />
      </Controls>
    </main>
  );
}
