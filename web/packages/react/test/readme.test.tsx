/** The React example of the README type-checks and works as it stands there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FakeServer, TrueTimers } from '@callclock/client/testing';
import { act, render, screen } from '@testing-library/react';
import * as React from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { complaints, run } from '../../client/test/tutorial.js';
import * as callclock from '../src/index.js';
import { goBackToReality, pretendServer } from './pretended_server.js';

const README = join(import.meta.dirname, '../../../../README.md');

function example(): string {
  const block = /^```tsx\n(.*?)^```/ms.exec(readFileSync(README, 'utf8'))?.[1];
  if (block === undefined) throw new Error('the README has no tsx block');
  return block.replace('tokenFromYourBackend', "'bill'").replace("id: 'tim'", "id: 'bill'").replaceAll("'lesson', 'algebra-1'", "'appointment', 'test-call'");
}

let server: FakeServer<TrueTimers>;

beforeEach(() => {
  server = pretendServer();
});

afterEach(goBackToReality);

test('the example has twenty lines at most and type-checks', { timeout: 60_000 }, () => {
  const lines = example().split('\n').filter((line) => line.trim() !== '');
  expect(lines.length).toBeLessThanOrEqual(20);
  expect(complaints(example())).toEqual([]);
});

test('the example joins, counts down, and says when it is over', async () => {
  const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
  const modules = { react: React, '@callclock/react': callclock };
  const { Lesson } = (await run(example().replace('export function', 'function'), modules, ['Lesson'])) as {
    Lesson: React.ComponentType;
  };
  render(<Lesson />);
  await pass(10);
  expect(server.call.session?.participants.map((one) => one.user_id)).toEqual(['bill']);
  await pass(1_000);
  expect(screen.getByRole('timer').textContent).toMatch(/59/);
  await pass(60 * 60_000);
  expect(document.body.textContent).toMatch(/time has run out/i);
});
