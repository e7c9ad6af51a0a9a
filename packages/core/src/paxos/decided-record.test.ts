import { expect, test } from 'vitest';
import { DecidedRecord } from './decided-record.ts';
import { Executor } from './executor.ts';
import { Outbox } from './outbox.ts';
import { batch, group, recordsOf, settingsOf } from '../../test/paxos/fixture.ts';

function record(slotsInFlightMax = 4) {
  const executor = new Executor(group(3), 10);
  const written = new DecidedRecord(settingsOf(1, { limits: { slotsInFlightMax } }), executor, 0);
  return (releasedThrough: number, nowMs: number) => {
    const out = new Outbox();
    for (let s = executor.releasedThrough + 1; s <= releasedThrough; s += 1) {
      executor.release(s, batch('x'), new Outbox());
    }
    written.write(nowMs, out);
    return recordsOf(out.take());
  };
}

test('it is written after so many slots', () => {
  // It bounds what a restart has to learn again.
  const write = record();
  expect(write(13, 0)).toEqual([]);
  expect(write(14, 0)).toEqual([{ kind: 'decided-through', slot: 14 }]);
  expect(write(17, 0)).toEqual([]);
});

test('it is written after half a second, if there is anything to say', () => {
  const write = record();
  expect(write(10, 10_000)).toEqual([]);
  expect(write(11, 10_000)).toEqual([{ kind: 'decided-through', slot: 11 }]);
  expect(write(12, 10_499)).toEqual([]);
  expect(write(12, 10_500)).toEqual([{ kind: 'decided-through', slot: 12 }]);
  expect(write(12, 20_000)).toEqual([]);
});
