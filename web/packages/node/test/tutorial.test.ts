import { describe, expect, test } from 'vitest';
import { complaints, run, snippet, tutorialIsHere, withOurImports } from '../../client/test/tutorial.js';
import * as callclockNode from '../src/index.js';
import { recordingServer } from './recording_server.js';

function tutorialTests() {
  test('type-checks against our package', { timeout: 60_000 }, () => {
    expect(complaints(withOurImports(snippet('script')))).toEqual([]);
  });

  test('runs unchanged and asks for roles, type, users and call', async () => {
    await using server = await recordingServer();
    process.env['CALLCLOCK_URL'] = server.url;
    await run(withOurImports(snippet('script')), { '@callclock/node': callclockNode }, []);
    delete process.env['CALLCLOCK_URL'];
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v1/roles',
      'POST /v1/roles',
      'POST /v1/call_types',
      'POST /v1/users',
      'POST /v1/calls/appointment/test-call',
    ]);
    const [, , callType, users, call] = server.requests.map(({ body }) => body);
    const sharedGrants = ['join-call', 'send-audio', 'send-video'];
    expect(callType).toEqual({
      name: 'appointment',
      grants: { specialist: [...sharedGrants, 'update-call', 'update-call-settings'], patient: sharedGrants },
      settings: { limits: { max_duration_seconds: 3600 } },
    });
    expect(Object.keys((users as { users: object }).users)).toEqual(['dr-lecter', 'bill']);
    expect(call).toMatchObject({ data: { created_by_id: 'dr-lecter' } });
  });
}

if (tutorialIsHere) describe('tutorial script', tutorialTests);
else test('tutorial script: not run, no copy of the page lies beside the repository', () => undefined);
