import { describe, expect, it } from 'vitest';
import { endingAfterLeaving, endingOf } from '../src/words/endings';
import { refusalFor } from '../src/words/refusals';
import { lengthInWords } from '../src/words/times';

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
  });
});
