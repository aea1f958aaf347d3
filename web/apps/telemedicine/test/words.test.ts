import type { ChangeResponse } from '@callclock/client';
import { describe, expect, it } from 'vitest';
import { changeInWords, refusalOfTime } from '../src/words/changes';
import { endingAfterLeaving, endingOf } from '../src/words/endings';
import { priceInWords } from '../src/words/prices';
import { refusalFor } from '../src/words/refusals';
import { startRuleInWords } from '../src/words/start_rules';
import { lengthInWords, timeOfDay } from '../src/words/times';

describe('lengthInWords', () => {
  it.each([
    [60, '1 minute'],
    [3600, '60 minutes'],
    [5400, '90 minutes'],
    [90, '1 minute 30 seconds'],
    [10_800, '3 hours'],
  ])('says %i seconds as people book them', (seconds, words) => {
    expect(lengthInWords(seconds)).toBe(words);
  });
});

describe('refusalFor', () => {
  it('offers another try only where it can help', () => {
    expect(refusalFor('call-ended').canRetry).toBe(false);
    expect(refusalFor('token-expired').canRetry).toBe(false);
    expect(refusalFor('call-full').canRetry).toBe(true);
    expect(refusalFor('network-unreachable').canRetry).toBe(true);
  });

  it('names the code of what it does not know', () => {
    expect(refusalFor('not-ready').advice).toContain('not-ready');
  });
});

describe('endings', () => {
  it('offers the way back only while the session runs', () => {
    expect(endingAfterLeaving('left', true).wayBack).toBe('Rejoin the call');
    expect(endingAfterLeaving('left', false).wayBack).toBeUndefined();
    expect(endingAfterLeaving('removed', true).wayBack).toBeUndefined();
  });

  it('says who ended the call, where somebody did', () => {
    expect(endingOf('ended_by_user', 'Bill', 'Dr. Lecter').heading).toBe('Dr. Lecter ended the call');
    expect(endingOf('ended_by_user', 'Bill', undefined).heading).toBe('The call was ended');
    expect(endingOf('max_duration_reached', 'Bill', undefined).heading).toBe('The time has run out');
    expect(endingOf('overtime_used_up', 'Bill', undefined).heading).toBe('The overtime is used up');
    expect(endingOf('no_show', 'Bill', undefined).heading).toBe('The appointment did not take place');
  });
});

describe('changeInWords', () => {
  const nameOf = (id: string | null) => (id === null ? 'The clinic' : id === 'bill' ? 'You' : 'Dr. Lecter');
  const end = '2026-11-23T14:15:00Z';
  const change = (row: Partial<ChangeResponse>) =>
    changeInWords({ seconds: 0, by: null, new_ends_at: end, details: null, ...row } as ChangeResponse, nameOf);
  const now = ` · now ends ${timeOfDay(end)}`;

  it.each<[Partial<ChangeResponse>, string]>([
    [{ how: 'extend', seconds: 900, by: 'x' }, `Dr. Lecter added 15 minutes${now}`],
    [{ how: 'extend', seconds: 900, by: 'x', details: { consent_by: 'bill' } }, `Dr. Lecter added 15 minutes, you agreed${now}`],
    [{ how: 'set', seconds: -300 }, `The clinic shortened the call by 5 minutes${now}`],
    [{ how: 'set', seconds: 0, new_ends_at: null }, 'The clinic took the time limit away'],
    [{ how: 'clock_start' }, `The clock has started · ends ${timeOfDay(end)}`],
    [{ how: 'clock_start', by: 'x' }, `Dr. Lecter started the clock · ends ${timeOfDay(end)}`],
    [{ how: 'resume' }, `The clock goes on${now}`],
    [{ how: 'policy' }, 'The clinic changed the rules of this appointment'],
    [{ how: 'pause' }, ''],
    [{ how: 'overtime' }, ''],
  ])('says %j once', (row, words) => {
    expect(change(row)).toBe(words);
  });

  it('tells of an answer only where nothing was added', () => {
    const offer = { seconds: 900 } as never;
    const by = { id: 'bill', name: 'Bill' };
    expect(refusalOfTime({ answer: 'declined', offer, request: null, by }, nameOf)).toBe('You declined 15 more minutes.');
    expect(refusalOfTime({ answer: 'accepted', offer, request: null, by }, nameOf)).toBe('');
  });
});

describe('startRuleInWords', () => {
  const rule = { startsAt: undefined, names: ['Dr. Lecter'], isRequired: false, mustWait: false };

  it.each([
    [{ ...rule, starts: 'all_roles' }, 'The clock starts when Dr. Lecter is there: coming early uses up no time.'],
    [{ ...rule, starts: 'all_roles', isRequired: true }, 'The clock starts when you and Dr. Lecter are there'],
    [{ ...rule, starts: 'manual', mustWait: true }, 'You will wait until you are let in. The clock is started by hand'],
    [{ ...rule, starts: undefined }, 'The clock starts when the first of you joins. The call ends by itself'],
  ] as const)('%j', (given, words) => {
    expect(startRuleInWords(given)).toContain(words);
  });
});

describe('priceInWords', () => {
  it.each([
    [{ price_per_minute: { amount: 2, currency: 'EUR' } }, 900, /30/],
    [{ price_per_minute: { amount: -2, currency: 'EUR' } }, 900, undefined],
    [{ price_per_minute: { amount: 2, currency: 'euro' } }, 900, undefined],
    [{ price_per_minute: 'two' }, 900, undefined],
    [undefined, 900, undefined],
  ])('of %j for %i seconds', (custom, seconds, words) => {
    const said = priceInWords(custom, seconds);
    if (words === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(words);
  });
});
