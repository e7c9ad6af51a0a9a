import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CatchUp } from '../../src/paxos/catch-up.ts';
import { DecidedRecord } from '../../src/paxos/decided-record.ts';
import { Executor } from '../../src/paxos/executor.ts';
import { memberOf } from '../../src/paxos/membership.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import { ValueCache } from '../../src/paxos/value-cache.ts';
import { batch, group, learnReply, member, recordsOf, settingsOf } from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';

test(
  'a cache holds the newest values that fit, and always the newest one',
  () => {
    const bytesMax = 30;
    const steps = fc.array(
      fc.oneof(
        { weight: 9, arbitrary: fc.nat({ max: 25 }).map((length) => ({ length, skip: 0 })) },
        { weight: 1, arbitrary: fc.nat({ max: 4 }).map((skip) => ({ length: -1, skip })) },
      ),
      { maxLength: 60, size: 'max' },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), steps, (first, all) => {
        const cache = new ValueCache(first, bytesMax);
        let next = first;
        let kept: { readonly slot: Slot; readonly text: string }[] = [];
        const bytesOf = () => kept.reduce((sum, { text }) => sum + text.length + 1, 0);
        for (const { length, skip } of all) {
          if (length < 0) {
            cache.skipTo(next + skip);
            next += skip + 1;
            kept = [];
          } else {
            const text = String(next % 10).repeat(length);
            cache.add(next, batch(text));
            kept.push({ slot: next, text });
            next += 1;
            while (kept.length > 1 && bytesOf() > bytesMax) kept.shift();
          }
          expect(cache.bytes).toBe(bytesOf());
          expect(cache.firstSlot).toBe(kept[0]?.slot ?? next);
          for (let slot = Math.max(1, next - 40); slot < next + 2; slot += 1) {
            const own = kept.find((k) => k.slot === slot);
            expect(cache.at(slot)).toEqual(own && batch(own.text));
          }
        }
      }),
      runs(161, 60),
    );
  },
  patienceMs,
);

test(
  'what is released is recorded as decided after so many slots or half a second, never more',
  () => {
    const slotsInFlightMax = 5;
    const steps = fc.array(fc.record({ slots: fc.nat({ max: 3 }), ms: fc.nat({ max: 300 }) }), {
      maxLength: 50,
    });
    fc.assert(
      fc.property(fc.nat({ max: 9 }), steps, (executed, all) => {
        const executor = new Executor(group(3), executed);
        const settings = settingsOf(1, { limits: { slotsInFlightMax } });
        const record = new DecidedRecord(settings, executor, 0);
        const out = new Outbox();
        let [written, atMs, nowMs] = [executed, 0, 0];
        for (const { slots, ms } of all) {
          nowMs += ms;
          for (let i = 0; i < slots; i += 1) {
            executor.release(executor.releasedThrough + 1, batch('x'), new Outbox());
          }
          record.write(nowMs, out);
          const slot = executor.releasedThrough;
          const isDue =
            slot > written && (slot - written >= slotsInFlightMax || nowMs - atMs >= 500);
          expect(recordsOf(out.take())).toEqual(isDue ? [{ kind: 'decided-through', slot }] : []);
          if (isDue) [written, atMs] = [slot, nowMs];
        }
      }),
      runs(162, 500),
    );
  },
  patienceMs,
);

test(
  'catching up asks one source at a time, gives each its time, and leaves nobody out',
  () => {
    const [retryMs, patience] = [200, 25];
    const sources = [2, 3, 4];
    const steps = fc.array(
      fc.record({
        ms: fc.nat({ max: 120 }),
        reply: fc.option(
          fc.record({
            from: fc.constantFrom(...sources),
            values: fc.nat({ max: 2 }),
            off: fc.nat({ max: 3 }),
          }),
          { nil: undefined, freq: 2 },
        ),
      }),
      { maxLength: 80, size: 'max' },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const catchUp = new CatchUp(retryMs);
        let need = 1;
        let nowMs = 0;
        let missingSinceMs: number | undefined;
        let asked: { readonly of: number; readonly need: Slot; readonly atMs: number } | undefined;
        for (const { ms, reply } of all) {
          nowMs += ms;
          missingSinceMs ??= nowMs;
          const of = catchUp.due(need, sources, patience, nowMs);
          if (of !== undefined) {
            expect(sources).toContain(of);
            expect(nowMs - missingSinceMs, 'a gap of a moment').toBeGreaterThanOrEqual(patience);
            if (asked?.need === need) expect(nowMs - asked.atMs).toBeGreaterThanOrEqual(retryMs);
            asked = { of, need, atMs: nowMs };
          }
          if (reply === undefined) continue;
          const fits = asked?.of === reply.from && asked.need === need && reply.off === 0;
          const texts = Array.from({ length: reply.values }, () => 'x');
          const answers = catchUp.onReply(reply.from, learnReply(need + reply.off, texts));
          expect(answers).toBe(fits && reply.values > 0);
          if (fits) asked = undefined;
          if (answers) {
            need += reply.values;
            missingSinceMs = undefined;
          }
        }
        // Nobody answers any more: each is asked in its turn (L6).
        const turns = Array.from({ length: 12 }, () => {
          nowMs += retryMs;
          return catchUp.due(need, sources, patience, nowMs);
        });
        for (const source of sources) expect(turns).toContain(source);
      }),
      runs(163, 500),
    );
  },
  patienceMs,
);

test(
  'a member is an id with its store, and nothing less',
  () => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 6 });
    const id = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(ids, id, id, (all, asked, store) => {
        const members = all.map((each) => member(each));
        const found = memberOf(group(0, { members }), asked, member(store).store);
        expect(found).toEqual(asked === store && all.includes(asked) ? member(asked) : undefined);
      }),
      runs(164, 300),
    );
  },
  patienceMs,
);
