/** The rules of a session, as people read and answer them. */
import type { SessionRecord } from '@callclock/client';
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import {
  AskForMoreTime,
  CallEnded,
  ClockControls,
  ExtendSessionMenu,
  ExtensionOffer,
  ExtensionRequests,
  NoShowNotice,
  OvertimeNotice,
  PausedNotice,
  SessionTimeline,
  SessionTimer,
  WaitingNotice,
  WaitingRoom,
  WaitingScreen,
  moreTimeInWords,
  timeOfDay,
} from '../src/index.js';
import { text } from './call_page.js';
import { ruledPage, ruledServer } from './ruled_call.js';

const MINUTE = 60_000;

afterEach(cleanup);

const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }));
const at = (server: ReturnType<typeof ruledServer>, ms: number) => timeOfDay(new Date(server.timers.trueNow + ms));
const lecter = { id: 'dr-lecter', name: 'Dr. Lecter', image: null };
const bill = { id: 'bill', name: 'Bill', image: null };

describe('WaitingNotice', () => {
  test.each([
    ['bill', { reason: 'roles', roles: ['specialist'], users: [lecter] }, 'The clock starts when Dr. Lecter joins.'],
    ['bill', { reason: 'roles', roles: ['specialist'], users: [lecter, bill] }, 'The clock starts when you and Dr. Lecter join.'],
    ['bill', { reason: 'roles', roles: ['interpreter'], users: [] }, 'The clock starts when the interpreter joins.'],
    ['bill', { reason: 'start', roles: [], users: [] }, 'The clock starts when it is started by hand.'],
    ['dr-lecter', { reason: 'people', roles: [], users: [] }, 'The clock starts when somebody joins.'],
  ] as const)('tells %s what the clock waits for: %j', async (user, waitingFor, words) => {
    const server = ruledServer();
    server.call.settings.limits.starts = 'all_roles';
    server.call.clock.waitingFor = { ...waitingFor, roles: [...waitingFor.roles], users: [...waitingFor.users], starts_at: null };
    const { advance } = await ruledPage(<><SessionTimer /><WaitingNotice /></>, server, user);
    expect(screen.getByRole('timer').textContent).toBe('1:00:00not started');
    expect(screen.getAllByRole('status')[0]?.textContent).toBe(words);
    server.startClock();
    await advance(0);
    expect(text()).toBe('1:00:00left');
  });

  test('says the time, and lets those who may start the clock', async () => {
    const server = ruledServer();
    server.call.settings.limits.starts = 'scheduled';
    const starts_at = new Date(server.timers.trueNow + 5 * MINUTE);
    server.call.clock.waitingFor = { reason: 'schedule', roles: [], users: [], starts_at: starts_at.toISOString() };
    const { advance } = await ruledPage(<WaitingNotice />, server, 'dr-lecter');
    expect(text()).toContain(`The clock starts at ${timeOfDay(starts_at)}.`);
    press('Start the clock now');
    await advance(0);
    expect(text()).toBe('');
  });
});

describe('PausedNotice', () => {
  test('says who is away, how long at most, and stands still while the time runs', async () => {
    const server = ruledServer();
    const { advance } = await ruledPage(<><SessionTimer /><PausedNotice /></>, server);
    server.pause({ roles: ['specialist'] });
    await advance(0);
    const status = screen.getByRole('status');
    expect(status.textContent).toBe('Paused: Dr. Lecter is away.');
    expect(text()).toContain(`It goes on with their return, at ${at(server, 15 * MINUTE)} at the latest.`);
    expect(screen.getByRole('timer').textContent).toBe('1:00:00left, paused');
    let changes = 0;
    const observer = new MutationObserver((records) => (changes += records.length));
    observer.observe(status, { childList: true, characterData: true, subtree: true });
    await advance(10_000);
    expect(changes).toBe(0);
    observer.disconnect();
  });

  test('says who paused and why; those who may go on', async () => {
    const server = ruledServer();
    const { advance } = await ruledPage(<><PausedNotice /><ClockControls /></>, server, 'dr-lecter');
    press('Pause the clock');
    await advance(0);
    expect(text()).toContain('You paused the clock.');
    fireEvent.click(screen.getAllByRole('button', { name: 'Go on' })[0] as HTMLElement);
    await advance(0);
    expect(text()).toBe('Pause the clock');
    server.pause({ by: 'bill', reason: 'the door bell' });
    await advance(0);
    expect(text()).toContain('Bill paused the clock: the door bell');
  });
});

test('OvertimeNotice announces overtime once with its end, and the timer counts up', async () => {
  const server = ruledServer(1);
  server.call.settings.limits.overtime_seconds = 120;
  const { advance } = await ruledPage(<><SessionTimer /><OvertimeNotice /></>, server);
  const end = at(server, 3 * MINUTE);
  await advance(MINUTE + 7_001);
  expect(screen.getByRole('alert').textContent).toBe(`The time is over: this is overtime. The call ends at ${end}.`);
  expect(screen.getByRole('timer').textContent).toBe('+0:07overtime');
});

test('NoShowNotice says who has not come, until the clock starts after all', async () => {
  const server = ruledServer();
  server.call.settings.limits.starts = 'all_roles';
  const { advance } = await ruledPage(<NoShowNotice />, server);
  server.emit('call.session_no_show', { roles: ['specialist'], action: 'tell' });
  await advance(0);
  expect(screen.getByRole('alert').textContent).toBe('Dr. Lecter has not come.');
  server.startClock();
  await advance(0);
  expect(text()).toBe('');
});

describe('ExtensionOffer', () => {
  const consenting = () => {
    const server = ruledServer();
    server.call.settings.limits.extension.consent_roles = ['patient'];
    return server;
  };

  test.each([
    ['Accept', 'You accepted 15 more minutes.', 75],
    ['Decline', 'You declined 15 more minutes.', 60],
  ])('is announced to who may consent, with the price: %s', async (button, outcome, minutes) => {
    const server = consenting();
    const { advance, call } = await ruledPage(<ExtensionOffer />, server);
    server.offer(900, 'dr-lecter', { price_text: '€ 40.00' });
    await advance(0);
    expect(screen.getByRole('alert').textContent).toBe('Dr. Lecter offers 15 more minutes.');
    expect(text()).toContain('€ 40.00');
    expect(text()).toContain('Stands for 1:00');
    expect(call.clock.timer.getSnapshot().remainingMs).toBe(60 * MINUTE);
    press(button);
    await advance(0);
    expect(text()).toBe(outcome);
    expect(call.clock.timer.getSnapshot().remainingMs).toBe(minutes * MINUTE);
  });

  test('waits before whoever offered it, who can take it back', async () => {
    const server = consenting();
    const priceText = (seconds: number) => `€ ${seconds / 30}`;
    const { advance } = await ruledPage(<><ExtendSessionMenu priceText={priceText} /><ExtensionOffer /></>, server, 'dr-lecter');
    press('Offer more time');
    press('+ 15 minutes € 30');
    await advance(0);
    expect(text()).toContain('You have offered 15 more minutes. Waiting for the answer.');
    expect(server.call.clock.offer?.price_text).toBe('€ 30');
    press('Take it back');
    await advance(0);
    expect(text()).toContain('You took the offer back.');
    expect(server.call.ledger).toEqual([]);
  });
});

describe('ExtendSessionMenu', () => {
  const menu = async (extension: object) => {
    const server = ruledServer();
    server.call.clock.extension = extension;
    await ruledPage(<ExtendSessionMenu />, server, 'dr-lecter');
    press('Add time');
    return screen.getAllByRole('button').slice(1).map((button) => button.textContent.trim());
  };

  test('shows the steps of the rules and no others', async () => {
    expect(await menu({ steps_seconds: [600], count_left: 1 })).toEqual(['+ 10 minutes']);
    expect(text()).toContain('One extension is left.');
  });

  test('shows only what is free before the next appointment', async () => {
    const free_until = '2026-11-23T14:10:00.000Z';
    expect(await menu({ seconds_left: 600, free_until, free_seconds: 600 })).toEqual(['+ 5 minutes', 'Add']);
    expect(screen.getByLabelText('Minutes').getAttribute('max')).toBe('10');
    expect(text()).toContain(`The next appointment begins at ${timeOfDay(free_until)}: 10 minutes are free.`);
  });

  test.each([
    [{ reason: 'extension-count-reached' }, 'No more extensions are left.'],
    [{ reason: 'extension-total-reached' }, 'No more time may be added to this session.'],
    [{ reason: 'extension-cooling-down', cooldown_until: '2026-11-23T13:30:00Z' }, 'The next extension is possible at'],
    [{ reason: 'runs-into-next-call', free_until: '2026-11-23T14:00:00Z' }, 'No time is free: the next appointment begins at'],
    [{ reason: 'wall-limit-reached' }, 'The session has reached its longest time.'],
    [{ reason: 'something-new' }, 'No time can be added now.'],
  ])('says why there is nothing to choose: %j', async (state, words) => {
    expect(await menu({ allowed: false, steps_seconds: [], ...state })).toEqual([]);
    expect(text()).toContain(words);
  });
});

describe('requests', () => {
  test('AskForMoreTime asks with one click, for what is possible, and hears the answer', async () => {
    const server = ruledServer();
    server.call.clock.extension = { steps_seconds: [300, 600] };
    const { advance } = await ruledPage(<AskForMoreTime />, server);
    press('Ask for 10 more minutes');
    await advance(0);
    expect(screen.getByRole('status').textContent).toBe('You asked for 10 more minutes. Waiting for the answer.');
    const id = server.call.clock.requests[0]?.id ?? '';
    await act(() => server.client('dr-lecter').call('appointment', 'test-call').approveRequest(id));
    await advance(0);
    expect(screen.getByRole('status').textContent).toBe('Dr. Lecter agreed to 10 more minutes.');
  });

  test('AskForMoreTime is absent for those who may extend, and while nothing is possible', async () => {
    await ruledPage(<AskForMoreTime />, ruledServer(), 'dr-lecter');
    expect(screen.queryByRole('button')).toBeNull();
    cleanup();
    const server = ruledServer();
    server.call.clock.extension = { allowed: false, reason: 'extension-count-reached', steps_seconds: [] };
    await ruledPage(<AskForMoreTime />, server);
    expect(screen.queryByRole('button')).toBeNull();
  });

  test.each([
    ['Add the time', 70],
    ['Decline', 60],
  ])('ExtensionRequests says who asks, and answers: %s', async (button, minutes) => {
    const server = ruledServer();
    const { advance, call } = await ruledPage(<ExtensionRequests />, server, 'dr-lecter');
    await server.client('bill').call('appointment', 'test-call').requestExtension({ seconds: 600, reason: 'one more question' });
    await advance(0);
    expect(screen.getByRole('status').textContent).toBe('Bill asks for 10 more minutes.');
    expect(text()).toContain('one more question');
    press(button);
    await advance(0);
    expect(text()).toBe('');
    expect(call.clock.timer.getSnapshot().remainingMs).toBe(minutes * MINUTE);
  });
});

describe('waiting room', () => {
  test('WaitingRoom names who waits, and lets them in', async () => {
    const server = ruledServer();
    server.call.settings.backstage.enabled = true;
    const { advance } = await ruledPage(<WaitingRoom />, server, 'dr-lecter');
    await server.client('bill').call('appointment', 'test-call').join();
    await advance(0);
    expect(screen.getByRole('status').textContent).toBe('1 person waits to be let in.');
    press('Let Bill in');
    await advance(0);
    expect(text()).toBe('');
  });

  test('WaitingScreen tells the one who waits whom they wait for, and takes the focus', async () => {
    const server = ruledServer();
    server.call.settings.backstage.enabled = true;
    const { advance } = await ruledPage(<WaitingScreen host="Dr. Lecter" />, server);
    expect(document.activeElement).toBe(screen.getByRole('heading', { name: 'You are in the waiting room' }));
    expect(text()).toContain('Dr. Lecter will let you in. The clock has not started: waiting uses up no time.');
    press('Leave');
    await advance(10);
    expect(server.call.waiting).toEqual([]);
  });
});

describe('SessionTimeline', () => {
  const styles = (selector: string) =>
    [...document.querySelectorAll<HTMLElement>(selector)].map((element) => element.getAttribute('style'));

  test('shows pauses where they were, and what comes after zero', async () => {
    const server = ruledServer(10);
    Object.assign(server.call.settings.limits, { overtime_seconds: 300, warning_seconds: [60] });
    const { advance } = await ruledPage(<SessionTimeline />, server);
    await advance(5 * MINUTE);
    server.pause({ roles: ['specialist'] });
    await advance(5 * MINUTE);
    expect(styles('.cc-timeline-paused')).toEqual(['inset-inline-start: 25%; inline-size: 25%;']);
    expect(styles('.cc-timeline-used')).toEqual(['inline-size: 50%;']);
    expect(styles('.cc-timeline-overtime')).toEqual(['inset-inline-start: 75%; inline-size: 25%;']);
    expect(styles('.cc-timeline-warning')).toEqual(['inset-inline-start: 70%;']);
    server.resume();
    server.extend(300);
    await advance(0);
    expect(styles('.cc-timeline-paused')).toEqual(['inset-inline-start: 20%; inline-size: 20%;']);
    expect(styles('.cc-timeline-added')).toEqual(['inset-inline-start: 60%; inline-size: 20%;']);
    await advance(10 * MINUTE + 150_000);
    expect(styles('.cc-timeline-used')).toEqual(['inline-size: 90%;']);
    expect(document.querySelector('.cc-timeline')?.getAttribute('data-state')).toBe('overtime');
  });
});

test('CallEnded shows the record that came with the end', async () => {
  const server = ruledServer(10);
  const { advance } = await ruledPage(<CallEnded />, server);
  await advance(9 * MINUTE);
  const session = server.call.session;
  const change = server.call.extend(300, 'dr-lecter', null, { consent_by: 'bill', price_text: '€ 10' });
  const start = session?.started_at ?? '';
  const record = {
    session_id: session?.id,
    started_at: start,
    wall_seconds: 540,
    waiting_seconds: 60,
    running_seconds: 400,
    paused_seconds: 80,
    overtime_seconds: 0,
    required_present_seconds: 460,
    participants: [{ user_id: 'bill', present_seconds: 540, presence: [{ joined_at: start, left_at: start }] }],
    ledger: [change],
  } as unknown as SessionRecord;
  server.endCall('ended_by_user', undefined, record);
  await advance(0);
  const times = [...document.querySelectorAll('.cc-record-times > div')].map((row) => row.textContent);
  expect(times).toEqual(['Whole time9:00', 'Waiting1:00', 'Running6:40', 'Paused1:20', 'All required present7:40']);
  const cells = [...document.querySelectorAll('.cc-record-changes tbody td')].map((cell) => cell.textContent);
  expect(cells.slice(1)).toEqual(['5 minutes added', 'Dr. Lecter, accepted by you, € 10']);
});

test.each([
  [900, '15 more minutes'],
  [60, '1 more minute'],
  [90, '1 minute 30 seconds more'],
])('%i seconds more are %s', (seconds, words) => {
  expect(moreTimeInWords(seconds)).toBe(words);
});
