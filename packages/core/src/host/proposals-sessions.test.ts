import { expect, test } from 'vitest';
import type { ManyResults } from '../api.ts';
import { checkSegment, commandsIn } from '../codec/segment.ts';
import { ResultGoneError } from '../session-errors.ts';
import { defaultLimits } from '../limits.ts';
import { control, type Under } from './proposal-ring.ts';
import { Proposals } from './proposals.ts';

const ballot = (round: number) => ({ configuration: 1, round, proposer: 1 });
const nobody: ManyResults = { result: () => undefined, error: () => undefined };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const proposals = (): Proposals => new Proposals({ self: 3, epoch: 5, limits: defaultLimits });
const under = (slot: number, acknowledged = 0): Under => ({ slot, offset: 1, acknowledged });

/** What a segment says: where it belongs, and the texts of its commands. */
function told(segment: Uint8Array): readonly (string | number)[] {
  const header = checkSegment(segment);
  const { firstSequence, isControl, session } = header;
  const texts = [...commandsIn(segment, header)].map((bytes) => Buffer.from(bytes).toString());
  if (session === undefined) return [isControl ? 'words' : 'plain', firstSequence, ...texts];
  const { slot, offset, acknowledged } = session;
  const where = `${slot}.${offset} from ${session.firstSequence}, has ${acknowledged}`;
  return [where, firstSequence, ...texts];
}

const taken = (of: Proposals, round = 1): (readonly (string | number)[])[] =>
  of.takeSegments(ballot(round), 100, 10_000).map(told);

function add(to: Proposals, texts: string, whose?: Under | typeof control, first?: number): number {
  return to.add(texts.split(' ').map(bytesOf), nobody, 1e9, whose, first);
}

test('each session has its own segment, and so have words and plain commands', () => {
  // Numbers that go on from one session to the next prove nothing.
  const all = proposals();
  const [one, two] = [under(8), under(9)];
  add(all, 'a b', one, 1);
  add(all, 'c', two, 3);
  add(all, 'd');
  add(all, 'e', control);
  add(all, 'f', two, 4);
  expect(taken(all)).toEqual([
    ['8.1 from 1, has 0', 1, 'a', 'b'],
    ['9.1 from 3, has 0', 3, 'c'],
    ['plain', 4, 'd'],
    ['words', 5, 'e'],
    ['9.1 from 4, has 0', 6, 'f'],
  ]);
  expect(taken(all)).toEqual([]);
});

test('calls of one session that follow each other share a segment', () => {
  const all = proposals();
  const one = under(8);
  add(all, 'a b', one, 1);
  add(all, 'c', one, 3);
  expect(taken(all)).toEqual([['8.1 from 1, has 0', 1, 'a', 'b', 'c']]);
});

test('a number that is missing begins another segment', () => {
  // The client relays 1 and 2, then 5: whoever numbered them in a row would make it a 3.
  const all = proposals();
  const one = under(8);
  add(all, 'a b', one, 1);
  add(all, 'e', one, 5);
  add(all, 'a', one, 1);
  expect(taken(all)).toEqual([
    ['8.1 from 1, has 0', 1, 'a', 'b'],
    ['8.1 from 5, has 0', 3, 'e'],
    ['8.1 from 1, has 0', 4, 'a'],
  ]);
});

test('a command that is given up leaves its number to nobody', () => {
  const all = proposals();
  const one = under(8);
  const first = add(all, 'a b c', one, 1);
  all.cancel(first + 1, 'enough');
  expect(taken(all)).toEqual([
    ['8.1 from 1, has 0', 1, 'a'],
    ['8.1 from 3, has 0', 3, 'c'],
  ]);
});

test('what is acknowledged is what is when it leaves, the first time and again', () => {
  const all = proposals();
  const one = under(8);
  add(all, 'a', one, 5);
  one.acknowledged = 3;
  expect(taken(all)).toEqual([['8.1 from 5, has 3', 1, 'a']]);
  one.acknowledged = 4;
  all.requeueBelow(ballot(2));
  expect(taken(all, 2)).toEqual([['8.1 from 5, has 4', 1, 'a']]);
});

test('segments together keep within both bounds, their headers included', () => {
  const all = proposals();
  for (let slot = 1; slot <= 20; slot += 1) add(all, 'abcd', under(slot), 1);
  // 64 bytes of a header, 4 of an end, 4 of the command.
  expect(all.takeSegments(ballot(1), 100, 3 * 72)).toHaveLength(3);
  expect(all.takeSegments(ballot(1), 100, 4 * 72 - 1)).toHaveLength(3);
  expect(all.takeSegments(ballot(1), 5, 1e6)).toHaveLength(5);
  expect(all.takeSegments(ballot(1), 100, 1), 'at least one').toHaveLength(1);
  expect(all.queuedCount).toBe(8);
});

test('a command that everybody refuses ends with that, and gives its bytes back', () => {
  const all = proposals();
  const heard: string[] = [];
  const sink: ManyResults = { ...nobody, error: (i, { code }) => void heard.push(`${i} ${code}`) };
  const first = all.add(['a', 'b'].map(bytesOf), sink, 1e9, under(8), 1);
  taken(all);
  all.refuse(first + 1, new ResultGoneError('gone'));
  all.refuse(first + 1, new ResultGoneError('gone'));
  expect(heard).toEqual(['1 RSL_RESULT_GONE']);
  expect([all.pendingCount, all.pendingBytes]).toEqual([1, 1]);
  all.requeueBelow(ballot(2));
  all.refuse(first, new ResultGoneError('gone'));
  expect([all.pendingCount, all.queuedCount]).toEqual([0, 0]);
  expect(taken(all, 2)).toEqual([]);
});

test('when slots are passed over, what was sent is asked again under its session only', () => {
  const all = proposals();
  const errors: string[] = [];
  const sink: ManyResults = {
    result: () => undefined,
    error: (i, { code, outcome }) => errors.push(`${i} ${code} ${outcome}`),
  };
  const whose = under(8);
  all.add([bytesOf('a'), bytesOf('b')], sink, 1e9, whose, 1);
  all.add([bytesOf('c')], sink, 1e9);
  all.add([bytesOf('d')], sink, 1e9, control);
  taken(all);
  all.add([bytesOf('e')], sink, 1e9);
  all.passOver();
  expect(errors).toEqual(['0 RSL_OUTCOME_UNKNOWN unknown']);
  expect(taken(all, 2)).toEqual([
    ['8.1 from 1, has 0', 1, 'a', 'b'],
    ['words', 4, 'd'],
    ['plain', 5, 'e'],
  ]);
  // A higher ballot proves nothing of what was sent before: it may be in what was passed over.
  all.requeueBelow(ballot(2));
  expect(taken(all, 2)).toEqual([]);
});
