/** What other stores have said of themselves, as UTF-8 JSON. The disk is never trusted. */
import type { Standing } from '@rsl/core/protocol';

export const encodeStandings = (standings: readonly Standing[]): Uint8Array =>
  Buffer.from(
    JSON.stringify(standings.map((s) => [s.store, s.count, s.nonce, s.position])),
    'utf8',
  );

/** Undefined if the bytes are no standings. */
export function decodeStandings(bytes: Uint8Array): Standing[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  const standings = parsed.map(parseStanding);
  return standings.every((standing) => standing !== undefined) ? standings : undefined;
}

function parseStanding(value: unknown): Standing | undefined {
  if (!Array.isArray(value) || value.length !== 4) return undefined;
  const [store, count, nonce, position] = value as readonly unknown[];
  if (typeof store !== 'string' || !/^[0-9a-f]{16}$/.test(store)) return undefined;
  if (!isCount(count) || !isCount(nonce) || !isCount(position)) return undefined;
  return { store, count, nonce, position };
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;
