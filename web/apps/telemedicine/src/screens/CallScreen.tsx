import { ExtendSessionButton, SessionTimerAlert, nearestStep, useExtension } from '@callclock/react';
import { useId, useRef, useState } from 'react';
import { AddTimeButton, AddTimePanel } from '../call/AddTime';
import { AskForTimeButton } from '../call/AskForTime';
import { CallHeader } from '../call/CallHeader';
import { ClockNews } from '../call/ClockNews';
import { ConnectionRow } from '../call/ConnectionRow';
import { Controls } from '../call/Controls';
import { EndForAllButton, EndForAllPanel } from '../call/EndForAll';
import { Rules } from '../call/Rules';
import { Stage } from '../call/Stage';
import { TimeLine } from '../call/TimeLine';
import { usePriceText } from '../call/usePriceText';

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
        <AlertExtension />
      </SessionTimerAlert>
      <Rules />
      <ClockNews />
      <Stage />
      <AddTimePanel id={addId} isOpen={open === 'add'} onClose={close} />
      <EndForAllPanel id={endId} isOpen={open === 'end'} onClose={close} />
      <Controls>
        <AddTimeButton ref={addButton} isOpen={open === 'add'} panelId={addId} onPress={press('add')} />
        <AskForTimeButton />
        <EndForAllButton ref={endButton} isOpen={open === 'end'} panelId={endId} onPress={press('end')} />
      </Controls>
    </main>
  );
}

/** One press for more time beside the warning: a quarter of an hour, or the nearest length that is allowed. */
function AlertExtension() {
  const { steps, maxSeconds } = useExtension();
  const seconds = nearestStep(ALERT_EXTENSION_SECONDS, steps, maxSeconds);
  return <ExtendSessionButton duration={seconds} priceText={usePriceText()(seconds)} />;
}
