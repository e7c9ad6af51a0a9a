import { expect, test } from 'vitest';
import { FrameError } from '../errors.ts';
import { Sessions } from './sessions.ts';
import { decodeSessions, encodeSessions } from './sessions-codec.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const u64 = (n: number): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(n));
  return bytes.toString('hex');
};
const u32 = (n: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n);
  return bytes.toString('hex');
};
const bytesOf = (...fields: string[]): Uint8Array =>
  Uint8Array.from(Buffer.from(fields.join(''), 'hex'));

interface Written {
  readonly slot?: number;
  readonly ttlMs?: number;
  readonly usedMs?: number;
  readonly acknowledged?: number;
  readonly executed?: readonly string[];
}

const executed = (sequence: number, result?: string): string =>
  u64(sequence) + (result === undefined ? u32(0) : u32(result.length / 2 + 1) + result);

/** One session, field by field. */
const session = ({ slot, ttlMs, usedMs, acknowledged, executed: all = [] }: Written): string =>
  u64(slot ?? 1) +
  u32(0) +
  u32(ttlMs ?? 1_000) +
  u64(usedMs ?? 0) +
  u64(acknowledged ?? 0) +
  u32(all.length) +
  all.join('');

const table = (ledMs: number, sessions: readonly string[], holding: readonly number[]) =>
  bytesOf(
    '01',
    u64(ledMs),
    u32(sessions.length),
    ...sessions,
    u32(holding.length),
    ...holding.map(u32),
  );

/** Two sessions: the second was used last, and both have results. */
function filled(): Sessions {
  const sessions = new Sessions();
  const a = sessions.open({ slot: 1, offset: 0 }, 1_000);
  const b = sessions.open({ slot: 2, offset: 0 }, 2_000);
  if (a === undefined || b === undefined) throw new Error('too many');
  sessions.pass(7);
  for (const one of [b, a]) {
    sessions.use(one);
    one.begin(2);
    sessions.finish(one, 2, Uint8Array.of(one.slot));
  }
  sessions.acknowledge(a, 1);
  b.begin(4);
  sessions.finish(b, 4, undefined);
  return sessions;
}

const written = table(
  7,
  [
    session({ slot: 1, usedMs: 7, acknowledged: 1, executed: [executed(2, '01')] }),
    session({ slot: 2, ttlMs: 2_000, usedMs: 7, executed: [executed(2, '02'), executed(4)] }),
  ],
  [1, 0],
);

test('a table has the bytes that are written down', () => {
  expect(hex(encodeSessions(filled()))).toBe(hex(written));
  expect(hex(encodeSessions(new Sessions()))).toBe(hex(table(0, [], [])));
});

test('a table comes back with its time, results, ends and order of use', () => {
  const [before, after] = [filled(), decodeSessions(written)];
  expect(hex(encodeSessions(after))).toBe(hex(written));
  for (const sessions of [before, after]) {
    expect([sessions.count, sessions.ledMs, sessions.bytes]).toEqual([2, 7, 130]);
    expect(sessions.endsInMs).toBe(1_001);
    expect([...sessions.holding()].map(({ slot }) => slot)).toEqual([2, 1]);
    const b = sessions.use({ slot: 2, offset: 0 });
    expect([1, 2, 3, 4, 5].map((s) => b?.standingOf(s))).toEqual([
      'new',
      'executed',
      'new',
      'gone',
      'new',
    ]);
  }
});

test.each([1, 2, 3, 100])('%d idle sessions come back: they take the fewest bytes', (count) => {
  const sessions = new Sessions();
  for (let slot = 1; slot <= count; slot += 1) sessions.open({ slot, offset: 0 }, 1_000);
  expect(decodeSessions(encodeSessions(sessions)).count).toBe(count);
});

test('what is restored is not changed with the bytes that it came from (P12)', () => {
  const bytes = Uint8Array.from(written);
  const sessions = decodeSessions(bytes);
  bytes.fill(0xff);
  expect(hex(encodeSessions(sessions))).toBe(hex(written));
});

const held = { executed: [executed(1, '01')] };

test.each<readonly [string, Uint8Array]>([
  ['nothing at all', new Uint8Array(0)],
  ['another format', Uint8Array.from(written, (byte, i) => (i === 0 ? 2 : byte))],
  ['one byte too many', bytesOf(hex(written), '00')],
  ['more sessions than there are bytes', bytesOf('01', u64(0), u32(2 ** 32 - 1))],
  ['a session twice', table(0, [session({}), session({})], [])],
  ['a time-out below its bounds', table(0, [session({ ttlMs: 999 })], [])],
  ['a time-out above its bounds', table(0, [session({ ttlMs: 86_400_001 })], [])],
  ['results that are not in the order of use', table(0, [session(held)], [])],
  ['a session without results in the order of use', table(0, [session({})], [0])],
  ['a session twice in the order of use', table(0, [session(held)], [0, 0])],
  ['a session that is not there', table(0, [session(held)], [1])],
  ['sequences in no order', table(0, [session({ executed: [executed(2), executed(1)] })], [])],
  ['a sequence twice', table(0, [session({ executed: [executed(2), executed(2)] })], [])],
  ['a sequence of 0', table(0, [session({ executed: [executed(0)] })], [])],
  ['an acknowledged one', table(0, [session({ acknowledged: 2, executed: [executed(2)] })], [])],
  ['one beyond the window', table(0, [session({ executed: [executed(4_097)] })], [])],
  ['sessions in another order', table(0, [session({ slot: 2 }), session({ slot: 1 })], [])],
  ['a use that is still to come', table(5, [session({ usedMs: 6 })], [])],
])('is refused: %s', (_, bytes) => {
  expect(() => decodeSessions(bytes)).toThrowError(FrameError);
});

test('cut anywhere it is refused', () => {
  for (let length = 0; length < written.length; length += 1) {
    expect(() => decodeSessions(written.subarray(0, length))).toThrowError(FrameError);
  }
});
