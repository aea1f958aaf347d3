import { useCallStateHooks } from '@callclock/react';
import { useCallback } from 'react';
import { priceInWords } from '../words/prices';

/** What so many seconds cost, in words; undefined where the clinic has set no price. */
export function usePriceText(): (seconds: number) => string | undefined {
  const custom = useCallStateHooks().useCallCustomData();
  return useCallback((seconds: number) => priceInWords(custom, seconds), [custom]);
}
