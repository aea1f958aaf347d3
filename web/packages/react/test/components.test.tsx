import type { CallclockError } from '@callclock/client';
import { FakeServer } from '@callclock/client/testing';
import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  CallControls,
  CallEnded,
  ExtendSessionMenu,
  PreJoin,
  SessionTimeline,
  SessionTimer,
  SessionTimerAlert,
  SpeakerLayout,
  countdownText,
  describeDeviceFailure,
  durationInWords,
  useCallStateHooks,
} from '../src/index.js';
import { callPage, text } from './call_page.js';

const MINUTE = 60_000;

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** A secure page with these devices, whose camera opens or fails. */
function stubDevices(devices: Partial<MediaDeviceInfo>[], getUserMedia: () => Promise<MediaStream>) {
  vi.stubGlobal('isSecureContext', true);
  const mediaDevices = {
    getUserMedia,
    enumerateDevices: () => Promise.resolve(devices),
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  };
  vi.stubGlobal('navigator', Object.create(navigator, { mediaDevices: { value: mediaDevices } }));
}

describe('SessionTimer', () => {
  test('is a timer with a name, and says by words how near the end is', async () => {
    const { advance } = await callPage(<SessionTimer />, { minutes: 6 });
    const timer = screen.getByRole('timer', { name: 'Time left in this session' });
    expect(timer.textContent).toBe('6:00left');
    await advance(MINUTE + 10);
    expect(timer.textContent).toBe('5:00left, ending soon');
    await advance(4 * MINUTE);
    expect(timer.textContent).toBe('1:00left, about to end');
    await advance(MINUTE);
    expect(timer.textContent).toBe('Time is up');
  });
});

describe('SessionTimerAlert', () => {
  test('announces each threshold once: its text stands still while the time runs', async () => {
    const { advance } = await callPage(<SessionTimerAlert />, { minutes: 6 });
    const alert = screen.getByRole('alert');
    let changes = 0;
    const observer = new MutationObserver((records) => (changes += records.length));
    observer.observe(alert, { childList: true, characterData: true, subtree: true });
    await advance(4 * MINUTE);
    expect(alert.textContent).toBe('Less than 5 minutes left');
    expect(changes).toBe(1);
    observer.disconnect();
  });

  test('tells the page once per threshold, with thresholds of its own', async () => {
    const onAlert = vi.fn();
    const { advance } = await callPage(<SessionTimerAlert thresholdsSeconds={[120, 30]} onAlert={onAlert} />, { minutes: 3 });
    await advance(2.75 * MINUTE);
    expect(onAlert.mock.calls.map(([alert]) => (alert as { thresholdSeconds: number }).thresholdSeconds)).toEqual([120, 30]);
  });

  test('says when the time has run out', async () => {
    const { advance } = await callPage(<SessionTimerAlert />, { minutes: 1 });
    await advance(MINUTE + 10);
    expect(screen.getByRole('alert').textContent).toBe('The time has run out.');
    expect(screen.queryByRole('button')).toBeNull();
  });
});

describe('ExtendSessionMenu', () => {
  test('adds a step, or minutes of one\'s own', async () => {
    const { server, advance } = await callPage(<ExtendSessionMenu />);
    fireEvent.click(screen.getByRole('button', { name: 'Add time' }));
    fireEvent.click(screen.getByRole('button', { name: '+ 15 minutes' }));
    await advance(0);
    expect(screen.getByRole('status').textContent).toBe('15 minutes added');
    fireEvent.change(screen.getByLabelText('Minutes'), { target: { value: '7' } });
    fireEvent.submit(screen.getByLabelText('Minutes'));
    await advance(0);
    expect(server.call.ledger.map((row) => row.seconds)).toEqual([900, 420]);
  });

  test.each(['0', '-5', '1.5', '9999', ''])('does not send %j minutes', async (minutes) => {
    const { server, advance } = await callPage(<ExtendSessionMenu />);
    fireEvent.change(screen.getByLabelText('Minutes'), { target: { value: minutes } });
    fireEvent.submit(screen.getByLabelText('Minutes'));
    await advance(0);
    expect(server.call.ledger).toEqual([]);
  });

  test('opens and closes by keyboard, and gives the focus back', async () => {
    await callPage(<ExtendSessionMenu />);
    const opener = screen.getByRole('button', { name: 'Add time' });
    expect(opener.getAttribute('aria-expanded')).toBe('false');
    fireEvent.click(opener);
    expect(opener.getAttribute('aria-expanded')).toBe('true');
    fireEvent.keyDown(screen.getByRole('button', { name: '+ 5 minutes' }), { key: 'Escape' });
    expect(opener.getAttribute('aria-expanded')).toBe('false');
    expect(document.activeElement).toBe(opener);
  });

  test('is absent without the right, and appears when the right is given', async () => {
    const server = new FakeServer();
    server.capabilities['bill'] = ['join-call'];
    server.call.settings.limits.max_duration_seconds = 3600;
    const { advance } = await callPage(<ExtendSessionMenu />, { server, user: 'bill' });
    expect(screen.queryByRole('button')).toBeNull();
    server.emit('call.permissions_updated', { user: { id: 'bill' }, own_capabilities: ['join-call', 'change-max-duration'] });
    await advance(0);
    expect(screen.getByRole('button', { name: 'Add time' })).toBeTruthy();
  });
});

describe('SessionTimeline', () => {
  const widths = (selector: string) =>
    [...document.querySelectorAll<HTMLElement>(selector)].map((element) => element.getAttribute('style'));

  test('drains, marks the warnings, and shows added time as a segment', async () => {
    const { advance, server } = await callPage(<SessionTimeline />, { minutes: 10 });
    await advance(5 * MINUTE + 10);
    expect(widths('.cc-timeline-used')).toEqual(['inline-size: 50%;']);
    expect(widths('.cc-timeline-warning')).toEqual(['inset-inline-start: 50%;', 'inset-inline-start: 90%;']);
    server.extend(600);
    await advance(0);
    expect(widths('.cc-timeline-added')).toEqual(['inset-inline-start: 50%; inline-size: 50%;']);
    expect(document.querySelector('.cc-timeline-added')?.getAttribute('title')).toBe('10 minutes added');
  });

  test('shows time that was added before this page came', async () => {
    const server = new FakeServer();
    server.call.settings.limits.max_duration_seconds = 600;
    server.participantJoins('bill');
    server.extend(600);
    const { advance } = await callPage(<SessionTimeline />, { server });
    await advance(0);
    expect(document.querySelectorAll('.cc-timeline-added')).toHaveLength(1);
  });
});

describe('CallEnded', () => {
  test.each([
    ['ended_by_user', 'The call was ended.'],
    ['call_deleted', 'The call was cancelled.'],
    ['empty_timeout', 'Everybody had left the call.'],
    ['no_show', 'The call was closed: somebody who was needed did not come.'],
  ] as const)('says why: %s', async (reason, words) => {
    const { server, advance } = await callPage(<CallEnded />);
    await advance(2 * MINUTE);
    server.endCall(reason);
    await advance(0);
    expect(text()).toContain(words);
    expect(text()).toContain('The session lasted 2 minutes.');
  });

  test('says that one has left while the call goes on', async () => {
    const { call, advance } = await callPage(<CallEnded />);
    const left = call.leave();
    await advance(0);
    await left;
    expect(screen.getByRole('heading').textContent).toBe('You have left the call.');
  });
});

describe('CallControls', () => {
  test('offers what this user may send, and leaves', async () => {
    const server = new FakeServer();
    server.capabilities['bill'] = ['join-call', 'send-audio'];
    const onLeave = vi.fn();
    const { advance } = await callPage(<CallControls onLeave={onLeave} />, { server, user: 'bill' });
    const toolbar = within(screen.getByRole('toolbar', { name: 'Call controls' }));
    expect(toolbar.getByRole('button', { name: 'Unmute microphone' })).toBeTruthy();
    expect(toolbar.queryByRole('button', { name: /camera|screen/ })).toBeNull();
    fireEvent.click(toolbar.getByRole('button', { name: 'Leave' }));
    await advance(10);
    expect(onLeave).toHaveBeenCalledOnce();
    expect(server.call.session?.participants).toEqual([]);
  });
});

describe('PreJoin', () => {
  test('a refused camera has a reason, and the call can be joined without it', async () => {
    const denied = Object.assign(new Error('denied'), { name: 'NotAllowedError' });
    stubDevices([], () => Promise.reject(denied));
    const onJoin = vi.fn();
    render(<PreJoin onJoin={onJoin} initiallyOn={{ microphone: false }} />);
    expect((await screen.findByRole('alert')).textContent).toContain('The browser may not use your camera.');
    fireEvent.click(screen.getByRole('button', { name: 'Join the call' }));
    expect(onJoin).toHaveBeenCalledWith({ microphone: false, camera: false, speakerDeviceId: undefined });
  });

  test('a device that was chosen goes into the call', async () => {
    const microphones = ['Desk', 'Headset'].map((label) => ({ kind: 'audioinput' as const, deviceId: label, label }));
    stubDevices(microphones, () => new Promise(() => undefined));
    const onJoin = vi.fn();
    render(<PreJoin onJoin={onJoin} initiallyOn={{ camera: false }} />);
    fireEvent.change(await screen.findByLabelText('Microphone device'), { target: { value: 'Headset' } });
    fireEvent.click(screen.getByRole('button', { name: 'Join the call' }));
    expect(onJoin).toHaveBeenCalledWith(expect.objectContaining({ microphone: { deviceId: 'Headset' }, camera: false }));
  });

  test('a page that is not secure says so', async () => {
    vi.stubGlobal('isSecureContext', false);
    render(<PreJoin onJoin={() => undefined} initiallyOn={{ microphone: false }} />);
    expect((await screen.findByRole('alert')).textContent).toContain('not opened over HTTPS');
  });

  test('says why joining failed', () => {
    render(<PreJoin onJoin={() => undefined} error="The call has ended." initiallyOn={{ microphone: false, camera: false }} />);
    expect(screen.getByRole('alert').textContent).toBe('The call has ended.');
  });
});

describe('SpeakerLayout', () => {
  test('names the people of a call without media', async () => {
    const { server, advance } = await callPage(<SpeakerLayout />);
    server.participantJoins('bill');
    await advance(0);
    expect(screen.getAllByRole('listitem').map((item) => item.textContent)).toEqual(['Ddr-lecter (you)', 'Bbill']);
  });
});

describe('state hooks', () => {
  test('are refused outside of a call, with advice', () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(() => render(<SessionTimer />)).toThrow(/inside <StreamCall/);
  });

  test('tell who is here, who belongs, and what went wrong at the door', async () => {
    let error: CallclockError | undefined;
    const Reader = () => {
      const hooks = useCallStateHooks();
      error = hooks.useCallJoinError();
      const names = hooks.useParticipants().map(({ name, isLocal }) => (isLocal ? `${name}!` : name));
      return <p>{`${names.join()} ${hooks.useParticipantCount()} ${hooks.useCallMembers().length}`}</p>;
    };
    const { call, server, advance } = await callPage(<Reader />);
    server.participantJoins('bill');
    await advance(0);
    expect(text()).toBe('dr-lecter!,bill 2 0');
    await act(() => call.leave());
    server.refusals['join'] = { status: 409, code: 'call-full' };
    call.join().catch(() => undefined);
    await advance(0);
    expect(error?.code).toBe('call-full');
  });
});

describe('words', () => {
  test.each([
    [3_600_000, '1:00:00'],
    [3_599_001, '1:00:00'],
    [299_000, '4:59'],
    [400, '0:01'],
    [0, '0:00'],
    [-5, '0:00'],
  ])('%i ms left read %s', (ms, shown) => {
    expect(countdownText(ms)).toBe(shown);
  });

  test.each([
    [3_660_000, '1 hour 1 minute'],
    [7_200_000, '2 hours'],
    [61_000, '1 minute 1 second'],
    [0, '0 seconds'],
  ])('%i ms are %s', (ms, words) => {
    expect(durationInWords(ms)).toBe(words);
  });

  test.each([
    ['NotAllowedError', /Allow it/],
    ['NotFoundError', /No camera was found/],
    ['NotReadableError', /Another program/],
    ['Error', /could not be started/],
  ])('a camera that fails with %s has words', (name, words) => {
    vi.stubGlobal('isSecureContext', true);
    expect(describeDeviceFailure(Object.assign(new Error('x'), { name }), 'camera')).toMatch(words);
  });
});
