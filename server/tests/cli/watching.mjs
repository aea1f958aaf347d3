// The browser's client outside of a browser: watches one call and prints each event that it hears as a line.
//   node watching.mjs URL API_KEY USER_ID TOKEN TYPE ID
import { createRequire } from 'node:module';
import { StreamVideoClient } from '../../../web/packages/client/dist/index.js';

const { WebSocket } = createRequire(new URL('../../../web/package.json', import.meta.url))('ws');
const [baseUrl, apiKey, id, token, type, callId] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const client = new StreamVideoClient({ baseUrl, apiKey, token, user: { id }, openSocket: (url) => new WebSocket(url) });
const call = client.call(type, callId);
call.on('all', ({ id: event, type: kind }) => say({ event, kind }));
await call.join();
say({ joined: true });
