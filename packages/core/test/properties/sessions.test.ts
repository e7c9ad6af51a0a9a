import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Session } from '../../src/sessions/session.ts';
import { sessionLimits } from '../../src/sessions/session-limits.ts';
import { sessionNameOf, type SessionName } from '../../src/sessions/session-name.ts';
import { Sessions } from '../../src/sessions/sessions.ts';
import { decodeSessions, encodeSessions } from '../../src/sessions/sessions-codec.ts';
import { patienceMs, runs } from './runs.ts';
import { SessionsModel } from './sessions-model.ts';

// Bounds that a short history reaches. The window is wider than the ring that a session gives back.
vi.mock('../../src/sessions/session-limits.ts', () => ({
  sessionLimits: {
    sessionsMax: 5,
    sessionWindowMax: 300,
    sessionResultBytesMax: 1_200,
    resultBytesMax: 3_000,
    resultOverheadBytes: 64,
    sessionTtlMsMin: 10,
    sessionTtlMsMax: 200,
  },
}));

const { sessionTtlMsMax, sessionWindowMax } = sessionLimits;

/** One part of a slot: sequences of one session, and what its client has acknowledged before. */
interface Part {
  readonly which: number;
  readonly acknowledge: number;
  /** Above what is acknowledged then. */
  readonly from: number;
  readonly sizes: readonly (number | undefined)[];
}

type Action =
  | { readonly kind: 'open'; readonly ttlMs: number }
  | { readonly kind: 'use'; readonly which: number; readonly acknowledge: number }
  | { readonly kind: 'slot'; readonly parts: readonly Part[] }
  | { readonly kind: 'close'; readonly which: number }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'save' };

const one = <K extends string>(kind: K) => fc.constant(kind);
const which = fc.nat({ max: 11 });
const acknowledge = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.nat({ max: 2 * sessionWindowMax }) },
);
const size = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 60 }) },
  { weight: 1, arbitrary: fc.nat({ max: 1_500 }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);
const part: fc.Arbitrary<Part> = fc.record({
  which,
  acknowledge,
  from: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -2, max: 14 }) },
    { weight: 1, arbitrary: fc.integer({ min: 15, max: sessionWindowMax + 2 }) },
  ),
  sizes: fc.array(size, { minLength: 1, maxLength: 5 }),
});
const weighted = (weight: number, arbitrary: fc.Arbitrary<Action>) => ({ weight, arbitrary });
const busy = [
  weighted(3, fc.record({ kind: one('open'), ttlMs: fc.nat({ max: 2 * sessionTtlMsMax }) })),
  weighted(2, fc.record({ kind: one('use'), which, acknowledge })),
  weighted(8, fc.record({ kind: one('slot'), parts: fc.array(part, { maxLength: 4 }) })),
  weighted(1, fc.record({ kind: one('close'), which })),
  weighted(3, fc.record({ kind: one('time'), ms: fc.nat({ max: sessionTtlMsMax }) })),
];
const actions = (...more: { weight: number; arbitrary: fc.Arbitrary<Action> }[]) =>
  fc.array(fc.oneof(...busy, ...more), { maxLength: 70, size: 'max' });

/** What a history came to; a property that never met a bound has not tested it. */
const met = { tooMany: 0, executed: 0, gone: 0, refused: 0, new: 0, expired: 0, forgotten: 0 };

/** The table and the model, told the same. */
class Pair {
  #sessions = new Sessions();
  readonly #model = new SessionsModel(sessionLimits);
  readonly #names: string[] = [];

  run(action: Action): void {
    if (action.kind === 'open') this.#open(action.ttlMs);
    if (action.kind === 'use') this.#part({ ...action, from: 1, sizes: [] }, []);
    if (action.kind === 'slot') this.#slot(action.parts);
    if (action.kind === 'close') {
      const id = this.#named(action.which);
      if (id === undefined) return;
      expect(this.#sessions.close(nameOf(id))).toBe(this.#model.close(id));
    }
    if (action.kind === 'time') this.#time(action.ms);
    if (action.kind === 'save') this.#save();
    this.#compare();
  }

  #open(ttlMs: number): void {
    const name = { slot: 1 + this.#names.length, offset: ttlMs % 3 };
    const isOpen = this.#model.add(name.slot, name.offset, ttlMs);
    const session = this.#sessions.open(name, ttlMs);
    expect(session !== undefined).toBe(isOpen);
    if (isOpen) this.#names.push(`${name.slot}.${name.offset}`);
    else met.tooMany += 1;
  }

  #slot(parts: readonly Part[]): void {
    const begun: (() => void)[] = [];
    for (const each of parts) this.#part(each, begun);
    for (const finish of begun) finish();
  }

  #part({ which: at, acknowledge: more, from, sizes }: Part, begun: (() => void)[]): void {
    const id = this.#named(at);
    if (id === undefined) return;
    const session = this.#sessions.use(nameOf(id));
    expect(session !== undefined).toBe(this.#model.use(id));
    if (session === undefined) return;
    const through = this.#model.at(id).acknowledged + more;
    this.#sessions.acknowledge(session, through);
    this.#model.acknowledge(id, through);
    for (const [i, length] of sizes.entries()) {
      const sequence = Math.max(1, through + from) + i;
      const inThisSlot = session.standingOf(sequence) === 'executed' && this.#isBegun(id, sequence);
      const standing = inThisSlot ? 'executed' : this.#model.standing(id, sequence);
      same(session.standingOf(sequence), standing, `standing of ${id} ${sequence}`);
      met[standing] += 1;
      if (standing === 'new') begun.push(this.#begin(session, sequence, length));
    }
  }

  readonly #running = new Set<string>();

  #isBegun(id: string, sequence: number): boolean {
    return this.#running.has(`${id} ${sequence}`);
  }

  #begin(session: Session, sequence: number, length: number | undefined): () => void {
    const key = `${session.id} ${sequence}`;
    this.#running.add(key);
    session.begin(sequence);
    return () => {
      this.#running.delete(key);
      const result = length === undefined ? undefined : new Uint8Array(length).fill(sequence);
      const before = this.#sessions.bytes;
      this.#sessions.finish(session, sequence, result);
      this.#model.finish(session.id, sequence, result);
      if (this.#sessions.bytes < before) met.forgotten += 1;
    };
  }

  #time(ms: number): void {
    this.#sessions.pass(ms);
    this.#model.pass(ms);
    const ended = this.#sessions.expire().map(({ id }) => id);
    same(ended.join(), this.#model.expire().join(), 'in the order of their ends');
    met.expired += ended.length;
  }

  #save(): void {
    const bytes = encodeSessions(this.#sessions);
    this.#sessions = decodeSessions(bytes);
    expect(Buffer.from(encodeSessions(this.#sessions)).equals(bytes)).toBe(true);
  }

  #compare(): void {
    const sessions = this.#sessions;
    const model = this.#model;
    same(sessions.count, model.open.size, 'count');
    same(sessions.ledMs, model.ledMs, 'led time');
    same(sessions.bytes, model.bytes, 'bytes');
    same(sessions.bytes <= sessionLimits.resultBytesMax, true, 'within resultBytesMax');
    same(sessions.endsInMs, model.endsInMs, 'endsInMs');
    same(idsOf(sessions.all()), [...model.open.keys()].join(), 'in the order they were opened');
    same(idsOf(sessions.holding()), model.held.join(), 'used longest ago first');
    for (const session of sessions.all()) this.#compareOne(session);
  }

  #compareOne(session: Session): void {
    const known = this.#model.at(session.id);
    const { acknowledged, executed } = known;
    same(session.ttlMs, known.ttlMs, 'ttlMs');
    same(session.endMs, known.usedMs + known.ttlMs, 'endMs');
    same(session.acknowledged, acknowledged, 'acknowledged');
    same(session.bytes, this.#model.bytesOf(session.id), 'bytes');
    const around = [...executed.keys()].flatMap((s) => [s - 1, s, s + 1]);
    const last = acknowledged + sessionWindowMax;
    for (const s of new Set([acknowledged, acknowledged + 1, ...around, last, last + 1])) {
      same(session.standingOf(s), this.#model.standing(session.id, s), `standing of ${s}`);
      same(session.resultOf(s), executed.get(s), `result of ${s}`);
    }
  }

  #named(at: number): string | undefined {
    // The last few more often: earlier ones have ended.
    const { length } = this.#names;
    return length === 0 ? undefined : this.#names[length - 1 - (at % Math.min(length, 6))];
  }
}

const idsOf = (sessions: Iterable<Session>): string => [...sessions].map(({ id }) => id).join();

/** One `expect` for each of so many would take most of the time. */
function same(found: unknown, wanted: unknown, what: string): void {
  if (found !== wanted) expect(found, what).toEqual(wanted);
}

const nameOf = (id: string): SessionName => sessionNameOf(id) as SessionName;

test(
  'the table is a list of sessions with maps of results, whatever happens in whatever order',
  () => {
    fc.assert(
      fc.property(actions(), (all) => {
        const pair = new Pair();
        for (const action of all) pair.run(action);
      }),
      runs(911, 400),
    );
    for (const [what, times] of Object.entries(met)) {
      expect(times, `the histories met: ${what}`).toBeGreaterThan(20);
    }
  },
  patienceMs,
);

test(
  'saved and restored at any moment, it goes on as it would have',
  () => {
    fc.assert(
      fc.property(actions(weighted(2, fc.record({ kind: one('save') }))), (all) => {
        const pair = new Pair();
        for (const action of all) pair.run(action);
      }),
      runs(912, 300),
    );
  },
  patienceMs,
);
