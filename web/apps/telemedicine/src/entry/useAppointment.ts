import { type Call, type CallclockError, type DeviceChoices, StreamVideoClient, asCallclockError } from '@callclock/client';
import { useEffect, useState } from 'react';
import { askForDemoAdmission } from './demo_admission';
import type { Admission, Entry } from './entry';
import { interruptedStay } from './stay';

interface OpenAppointment {
  phase: 'open';
  client: StreamVideoClient;
  call: Call;
  /** The devices of a stay in the call that a reload has interrupted. */
  returningWith: DeviceChoices | undefined;
}

export type Appointment = { phase: 'loading' } | { phase: 'refused'; code: string } | OpenAppointment;

/** Opens the client, reads the call, and says why not where that fails. */
export function useAppointment(entry: Entry): { appointment: Appointment; retry: () => void } {
  const [appointment, setAppointment] = useState<Appointment>({ phase: 'loading' });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    const opening = admissionOf(entry).then(openAppointment);
    opening.then(
      (opened) => {
        if (isCurrent) setAppointment(opened);
      },
      (thrown: unknown) => {
        if (isCurrent) setAppointment({ phase: 'refused', code: codeOf(thrown) });
      },
    );
    return () => {
      isCurrent = false;
      opening.then(
        ({ client }) => client.close(),
        () => undefined,
      );
    };
  }, [entry, attempt]);
  const retry = () => {
    setAppointment({ phase: 'loading' });
    setAttempt(attempt + 1);
  };
  return { appointment, retry };
}

async function admissionOf(entry: Entry): Promise<Admission> {
  if (entry.kind === 'link') return entry.admission;
  if (entry.kind === 'demo') return askForDemoAdmission(entry.userId);
  throw new IncompleteLink();
}

async function openAppointment(admission: Admission): Promise<OpenAppointment> {
  const { apiKey, user, token, renewToken, callType, callId } = admission;
  const renewal = renewToken === undefined ? {} : { tokenProvider: renewToken };
  const client = new StreamVideoClient({ apiKey, user, token, ...renewal });
  const call = client.call(callType, callId);
  await call.get();
  call.watch();
  return { phase: 'open', client, call, returningWith: interruptedStay(call.cid) };
}

class IncompleteLink extends Error {}

function codeOf(thrown: unknown): string {
  if (thrown instanceof IncompleteLink) return 'incomplete-link';
  const error: CallclockError = asCallclockError(thrown, 'network-unreachable');
  return error.code;
}
