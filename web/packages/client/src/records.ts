import { CallclockError, ClientErrorCode } from './errors.js';
import type { RecordAnswer, RecordSignature } from './wire.js';

/** One public key of a server's records: a JWK (RFC 8037) whose `kid` is its thumbprint. */
export interface RecordKey {
  kty: string;
  crv: string;
  kid: string;
  x: string;
}

/** The public keys of a server's records, as `/.well-known/callclock-record-keys.json` tells them. */
export interface RecordKeys {
  keys: RecordKey[];
}

export const RECORD_KEYS_PATH = '/.well-known/callclock-record-keys.json';

const ALGORITHM = 'Ed25519';
const RECORD_PREFIX = 'callclock-record-v1\n';
const CSV_PREFIX = 'callclock-record-csv-v1\n';
const MILLIONTHS = 1_000_000;

/**
 * Resolves with the id of the key that signed a record; rejects with the code `signature-invalid` when the record
 * is not as it was signed.
 *
 * Keys asked of the server prove that nobody altered the record on its way; keys kept from before prove that
 * nobody altered it since, the server included. In a browser this needs a secure context (https or localhost).
 */
export async function verifyRecord(answer: Pick<RecordAnswer, 'record' | 'signature'>, keys: RecordKeys): Promise<string> {
  return verify(RECORD_PREFIX + canonicalRecord(answer.record), answer.signature, keys);
}

/** The same for a record as CSV. `signature` is the header `X-Callclock-Record-Signature` that came with it. */
export async function verifyRecordCsv(text: string, signature: string, keys: RecordKeys): Promise<string> {
  return verify(CSV_PREFIX + text, readHeader(signature), keys);
}

function readHeader(header: string): RecordSignature {
  const part = (name: string) => new RegExp(`(?:^|;)\\s*${name}=([\\w-]+)`).exec(header)?.[1] ?? '';
  return { algorithm: part('algorithm') as RecordSignature['algorithm'], key_id: part('key_id'), value: part('value') };
}

/** The form in which a record is signed: RFC 8785, but with each number as its whole number of millionths. */
export function canonicalRecord(value: unknown): string {
  if (typeof value === 'number') return String(millionths(value));
  if (Array.isArray(value)) return `[${value.map(canonicalRecord).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
    return `{${members.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalRecord(inner)}`).join(',')}}`;
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  throw refused(`A ${typeof value} has no canonical form.`);
}

function millionths(value: number): number {
  const scaled = Math.round(value * MILLIONTHS);
  if (!Number.isSafeInteger(scaled)) throw refused(`${value} is too large for a record, or is not a number.`);
  if (scaled / MILLIONTHS !== value) throw refused(`${value} is no whole number of millionths.`);
  return scaled;
}

async function verify(message: string, signature: RecordSignature | undefined, keys: RecordKeys): Promise<string> {
  if (signature?.algorithm !== ALGORITHM) throw refused('There is no signature of a known kind with the record.');
  const subtle = globalThis.crypto.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) throw refused('This page cannot verify signatures: it was not loaded over https.');
  const x = await publicKey(subtle, signature.key_id, keys);
  const key = await subtle.importKey('raw', fromBase64url(x), ALGORITHM, false, ['verify']).catch((cause: unknown) => {
    throw refused('The key cannot be used here.', cause);
  });
  const genuine = await subtle.verify(ALGORITHM, key, fromBase64url(signature.value), utf8(message));
  if (!genuine) throw refused('The record was altered after it was signed, or the signature was.');
  return signature.key_id;
}

/** The key of that name, which is its thumbprint (RFC 7638): no other key can take the name. */
async function publicKey(subtle: SubtleCrypto, keyId: string, { keys }: RecordKeys): Promise<string> {
  for (const { kty, crv, kid, x } of keys) {
    if (kid !== keyId || kty !== 'OKP' || crv !== ALGORITHM) continue;
    const thumbprint = await subtle.digest('SHA-256', utf8(`{"crv":"${crv}","kty":"${kty}","x":"${x}"}`));
    if (toBase64url(new Uint8Array(thumbprint)) === keyId) return x;
  }
  throw refused(`The record is signed with the key ${keyId}, which is not among those given.`);
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  } catch (cause) {
    throw refused('The signature or the key is damaged.', cause);
  }
}

function toBase64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function refused(message: string, cause?: unknown): CallclockError {
  return new CallclockError({ code: ClientErrorCode.SIGNATURE_INVALID, message, cause });
}
