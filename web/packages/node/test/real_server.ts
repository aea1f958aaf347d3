import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(import.meta.dirname, '../../../..');
const PYTHON = join(ROOT, '.venv/bin/python');
const READY_MS = 60_000;

/** Serves until its standard input closes, on a free loopback port. */
const SERVE = `
import sys
from callclock_server.testing import API_KEY, SECRET, running_server
with running_server() as server:
    print('READY', server.url, API_KEY, SECRET, flush=True)
    sys.stdin.read()
`;

/** Whether this checkout has an environment that can run the server. */
export const serverIsHere = existsSync(PYTHON) && existsSync(join(ROOT, 'server/src/callclock_server/testing/__init__.py'));

export interface RealServer {
  url: string;
  apiKey: string;
  secret: string;
  stop: () => Promise<void>;
}

export async function startServer(): Promise<RealServer> {
  const child = spawn(PYTHON, ['-c', SERVE], { stdio: ['pipe', 'pipe', 'ignore'] });
  const [, url = '', apiKey = '', secret = ''] = (await readyLine(child)).split(' ');
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  const stop = () => {
    child.stdin.end();
    return ended;
  };
  return { url, apiKey, secret, stop };
}

/** The log goes to standard output as well: it is read on, so that the server never waits for a reader. */
function readyLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timeout = setTimeout(() => {
      child.kill();
      reject(new Error('the server was not ready in time'));
    }, READY_MS);
    const finish = (act: () => void) => {
      clearTimeout(timeout);
      act();
    };
    if (child.stdout === null) return;
    createInterface(child.stdout).on('line', (line) => {
      if (!line.startsWith('READY')) return;
      finish(() => {
        resolve(line);
      });
    });
    child.once('exit', (code) => {
      finish(() => {
        reject(new Error(`the server ended with ${String(code)}`));
      });
    });
  });
}
