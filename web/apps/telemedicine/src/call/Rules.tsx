import {
  ExtensionOffer,
  ExtensionRequests,
  NoShowNotice,
  OvertimeNotice,
  PausedNotice,
  WaitingNotice,
  WaitingRoom,
} from '@callclock/react';
import { AskedForTimeRow } from './AskForTime';
import { usePriceText } from './usePriceText';

/** What the clock is doing and why, and what is to be answered: rows that are there only while they are needed. */
export function Rules() {
  const priceText = usePriceText();
  return (
    <>
      <WaitingNotice />
      <NoShowNotice />
      <PausedNotice />
      <OvertimeNotice />
      <WaitingRoom />
      <ExtensionOffer showsOutcome={false} />
      <ExtensionRequests priceText={priceText} />
      <AskedForTimeRow />
    </>
  );
}
