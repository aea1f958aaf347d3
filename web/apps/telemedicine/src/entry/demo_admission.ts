import type { Admission } from './entry';

interface DemoSession {
  api_key: string;
  token: string;
  user: { id: string; name: string; role: string };
  call_type: string;
  call_id: string;
}

/** The demonstration has no clinic behind it: its server hands out the tokens of its two people itself. */
export async function askForDemoAdmission(userId: string): Promise<Admission> {
  const session = await demoSession(userId);
  return {
    apiKey: session.api_key,
    token: session.token,
    user: session.user,
    callType: session.call_type,
    callId: session.call_id,
    renewToken: async () => (await demoSession(userId)).token,
  };
}

async function demoSession(user: string): Promise<DemoSession> {
  const answer = await fetch('/demo/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user }),
  });
  if (!answer.ok) throw new Error(`the demonstration answered ${answer.status}`);
  return (await answer.json()) as DemoSession;
}
