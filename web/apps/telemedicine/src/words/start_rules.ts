import type { LimitsSettings } from '@callclock/client';
import { listOf } from '@callclock/react';
import { timeOfDay } from './times';

export interface StartRule {
  starts: LimitsSettings['starts'] | undefined;
  startsAt: Date | undefined;
  /** The others who have to be there. */
  names: readonly string[];
  /** Whether the reader has to be there too. */
  isRequired: boolean;
  /** Whether the reader waits to be let in. */
  mustWait: boolean;
}

/** When the clock will start, and what happens before. */
export function startRuleInWords({ starts, startsAt, names, isRequired, mustWait }: StartRule): string {
  const door = mustWait ? 'You will wait until you are let in. ' : '';
  return `${door}${whenInWords({ starts, startsAt, names, isRequired })} The call ends by itself when the time is over.`;
}

function whenInWords({ starts, startsAt, names, isRequired }: Omit<StartRule, 'mustWait'>): string {
  switch (starts) {
    case 'all_roles': {
      const people = isRequired ? ['you', ...names] : names;
      const verb = people.length > 1 || isRequired ? 'are' : 'is';
      return `The clock starts when ${listOf(people)} ${verb} there: coming early uses up no time.`;
    }
    case 'scheduled':
      return startsAt === undefined
        ? 'The clock starts at the time agreed.'
        : `The clock starts at ${timeOfDay(startsAt)}: coming early uses up no time.`;
    case 'manual':
      return 'The clock is started by hand once you are together.';
    default:
      return 'The clock starts when the first of you joins.';
  }
}
