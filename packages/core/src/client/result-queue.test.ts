import { expect, test } from 'vitest';
import { readFrame } from '../codec/frame.ts';
import { checkSegment, commandsIn } from '../codec/segment.ts';
import { readClientMessage } from './client-messages.ts';
import { ResultQueue } from './result-queue.ts';

const name = { slot: 5, offset: 1 };
const other = { slot: 6, offset: 1 };

/** Session, first sequence and results of each frame. */
function framesOf(queue: ResultQueue, takes = Infinity): string[] {
  const frames: string[] = [];
  queue.flush((parts) => {
    if (frames.length >= takes) return false;
    const message = readClientMessage(readFrame(Buffer.concat(parts)));
    if (message.kind !== 'results') throw new Error('no results');
    const header = checkSegment(message.segment);
    const results = [...commandsIn(message.segment, header)].map((r) => Buffer.from(r).toString());
    const { session } = header;
    frames.push(`${session?.slot}.${session?.offset} ${session?.firstSequence}: ${results.join()}`);
    return true;
  });
  return frames;
}

test('results of consecutive sequences of a session share a frame', () => {
  const queue = new ResultQueue();
  for (const [of, sequence] of [
    [name, 1],
    [name, 2],
    [other, 3],
    [name, 3],
    [name, 5],
  ] as const) {
    queue.add(of, sequence, Buffer.from(`r${sequence}`));
  }
  expect(framesOf(queue)).toEqual(['5.1 1: r1,r2', '6.1 3: r3', '5.1 3: r3', '5.1 5: r5']);
  expect(queue.isEmpty).toBe(true);
});

test('a frame has a bound, and a large result one of its own', () => {
  const queue = new ResultQueue();
  const large = Buffer.alloc(200 * 1_024, 'x');
  for (const sequence of [1, 2, 3]) queue.add(name, sequence, large);
  expect(framesOf(queue)).toHaveLength(3);
});

test('what is not taken comes again', () => {
  const queue = new ResultQueue();
  for (const sequence of [1, 3, 5]) queue.add(name, sequence, Buffer.from('r'));
  expect(framesOf(queue, 1)).toEqual(['5.1 1: r']);
  expect(framesOf(queue)).toEqual(['5.1 3: r', '5.1 5: r']);
});
