/** Records are verified as the shared vectors say; anything altered is refused. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type RecordKeys, canonicalRecord, verifyRecord, verifyRecordCsv } from '../src/index.js';

type Answer = Parameters<typeof verifyRecord>[0];

interface Vectors {
  keys: RecordKeys;
  signed: (Answer & { name: string; canonical: string; key: number })[];
  altered: { name: string; path: (string | number)[]; value: unknown }[];
  csv: { text: string; signature: string };
}

const file = join(import.meta.dirname, '../../../../tests/vectors/records.json');
const { keys, signed, altered, csv } = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
const first = signed[0] as Vectors['signed'][number];
const refused = { code: 'signature-invalid' };

function change(record: unknown, path: (string | number)[], value: unknown): Answer['record'] {
  const copy = structuredClone(record) as Record<string | number, unknown>;
  let inner = copy;
  for (const step of path.slice(0, -1)) inner = inner[step] as Record<string | number, unknown>;
  inner[path.at(-1) as string] = value;
  return copy as unknown as Answer['record'];
}

describe('a record', () => {
  test.each(signed)('is verified with the key that signed it: $name', async (vector) => {
    expect(canonicalRecord(vector.record)).toBe(vector.canonical);
    expect(await verifyRecord(vector, keys)).toBe(keys.keys[vector.key]?.kid);
  });

  test.each(altered)('that was altered is refused: $name', async ({ path, value }) => {
    const record = change(first.record, path, value);
    await expect(verifyRecord({ record, signature: first.signature }, keys)).rejects.toMatchObject(refused);
  });

  test.each([
    undefined,
    { ...first.signature, algorithm: 'none' },
    { ...first.signature, value: '' },
    { ...first.signature, value: '?' },
    { ...first.signature, value: `${first.signature.value.slice(0, -4)}AAAA` },
    { ...first.signature, key_id: 'unknown' },
    { ...signed[1]?.signature, key_id: first.signature.key_id },
  ])('with another signature is refused (%#)', async (signature) => {
    const answer = { record: first.record, signature: signature as Answer['signature'] };
    await expect(verifyRecord(answer, keys)).rejects.toMatchObject(refused);
  });

  test('is not verified with a key that took the name of another', async () => {
    const [one, other] = keys.keys as [RecordKeys['keys'][number], RecordKeys['keys'][number]];
    await expect(verifyRecord(first, { keys: [{ ...other, kid: one.kid }] })).rejects.toMatchObject(refused);
  });

  test('as CSV is verified byte by byte', async () => {
    expect(await verifyRecordCsv(csv.text, csv.signature, keys)).toBe(keys.keys[0]?.kid);
    for (const text of [`${csv.text}\r\n`, csv.text.replace('900', '901'), csv.text.replaceAll('\r\n', '\n')]) {
      await expect(verifyRecordCsv(text, csv.signature, keys)).rejects.toMatchObject(refused);
    }
  });
});
