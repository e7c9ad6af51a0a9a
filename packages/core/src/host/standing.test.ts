import { expect, test } from 'vitest';
import type { HostMessage } from '../codec/host-codec.ts';
import type { Standing } from '../paxos/log-record.ts';
import { group, member, storeOf } from '../../test/paxos/fixture.ts';
import { Standings } from './standing.ts';

const intervalMs = 500;

interface Store {
  count: number;
  nonce: number;
  position: number;
}

/** Replicas that tell each other where their stores stand; messages arrive at once, or are lost. */
class Village {
  readonly stores = new Map<number, Store>();
  readonly standings = new Map<number, Standings>();
  readonly written = new Map<number, readonly Standing[]>();
  readonly admitted: number[] = [];
  readonly contradicted: [id: number, position: number][] = [];
  readonly size: number;
  #nonce = 100;
  nowMs = 0;
  hasRoom = true;
  /** Nobody's log finishes a write. */
  isSlow = false;
  isApart: (a: number, b: number) => boolean = () => false;
  isLost: (from: number, to: number, message: HostMessage) => boolean = () => false;

  constructor(size = 3) {
    this.size = size;
  }

  /** Starts on the store as it is, with what it remembers of others. */
  start(id: number, created = false): void {
    const found = { ...(this.stores.get(id) ?? { count: 0, nonce: 0, position: 0 }) };
    this.#nonce += 1;
    const now = { count: found.count + 1, nonce: this.#nonce, position: found.position };
    const store = storeOf(id);
    const host = {
      self: { id, store },
      found: { store, ...found },
      now: () => ({ store, ...now }),
      connected: () =>
        [...this.standings.keys()]
          .filter((other) => other !== id && !this.isApart(id, other))
          .map((other) => member(other)),
      send: (to: number, message: HostMessage) => this.#send(id, to, message),
      persist: (standings: readonly Standing[]) => void this.written.set(id, standings),
      hasRoom: () => this.hasRoom,
      admit: () => {
        if (this.isSlow) return;
        this.admitted.push(id);
        now.position += 1;
        this.stores.set(id, now);
        this.standings.get(id)?.onAdmitted();
      },
      contradicted: (position: number) => void this.contradicted.push([id, position]),
    };
    const standings = new Standings(host, intervalMs, this.written.get(id) ?? []);
    this.standings.set(id, standings);
    standings.begin(group(this.size), created);
    for (const other of this.standings.keys()) {
      if (other !== id) this.meet(id, other);
    }
  }

  stop(id: number): void {
    this.standings.delete(id);
  }

  close(id: number): void {
    this.standings.get(id)?.close();
    this.stop(id);
  }

  meet(a: number, b: number): void {
    this.standings.get(a)?.onPeer(member(b));
    this.standings.get(b)?.onPeer(member(a));
  }

  tick(ms: number): void {
    this.nowMs += ms;
    for (const standings of this.standings.values()) standings.onTick(this.nowMs);
  }

  /** A store holds more. */
  grow(id: number, by: number): void {
    const store = this.stores.get(id);
    if (store !== undefined) store.position += by;
  }

  #send(from: number, to: number, message: HostMessage): void {
    const receiver = this.standings.get(to);
    if (receiver === undefined || this.isApart(from, to) || this.isLost(from, to, message)) return;
    if (message.kind === 'standing') receiver.onStanding(member(from), message);
    if (message.kind === 'recalled') receiver.onRecalled(member(from), message);
  }
}

/** Three that have started anew once, and told each other. */
function village(): Village {
  const v = new Village();
  for (const id of [1, 2, 3]) v.start(id, true);
  for (const id of [1, 2, 3]) v.grow(id, 10);
  v.tick(intervalMs);
  v.admitted.length = 0;
  return v;
}

const restart = (v: Village, id: number, store = v.stores.get(id)): void => {
  v.stop(id);
  if (store !== undefined) v.stores.set(id, { ...store });
  v.start(id);
};

test('a store that nobody remembers more of takes part once a quorum has said so', () => {
  const v = village();
  restart(v, 3);
  expect(v.admitted).toEqual([3]);
  expect(v.contradicted).toEqual([]);
});

test('alone, or among a minority, nobody takes part', () => {
  // Whoever could contradict may be among those that are not heard.
  const v = village();
  v.isLost = () => true;
  restart(v, 3);
  v.tick(10 * intervalMs);
  expect(v.admitted).toEqual([]);
  v.isLost = () => false;
  v.tick(intervalMs);
  expect(v.admitted).toEqual([3]);
});

test('five need two others', () => {
  const v = new Village(5);
  for (const id of [1, 2, 3, 4, 5]) v.start(id, true);
  v.admitted.length = 0;
  v.isApart = (a, b) => ![1, 5].includes(a) || ![1, 5].includes(b);
  restart(v, 5);
  expect(v.admitted).toEqual([]);
  v.isApart = (a, b) => ![1, 2, 5].includes(a) || ![1, 2, 5].includes(b);
  v.tick(intervalMs);
  expect(v.admitted).toEqual([5]);
});

test('a store put back to an earlier position is told so, and does not take part (S2a)', () => {
  // A copy from within the same start: only the position shows it.
  const v = village();
  const copy = { ...(v.stores.get(3) as Store) };
  v.grow(3, 5);
  v.tick(intervalMs);
  restart(v, 3, copy);
  expect(v.contradicted[0]).toEqual([3, copy.position + 5]);
  expect(v.admitted).toEqual([]);
});

test('a copy from before the last start is told so, however much it has written since', () => {
  const v = village();
  const copy = { ...(v.stores.get(3) as Store) };
  restart(v, 3);
  v.tick(intervalMs);
  v.admitted.length = 0;
  restart(v, 3, { ...copy, position: copy.position + 1_000 });
  expect(v.contradicted.map(([id]) => id)).toContain(3);
  expect(v.admitted).toEqual([]);
});

test('two starts with one count are two copies', () => {
  // Both go on from the same copy: the second was never the store that the others know.
  const v = village();
  const copy = { ...(v.stores.get(3) as Store) };
  restart(v, 3);
  v.tick(intervalMs);
  const twin = { ...copy, count: copy.count + 1, nonce: 7, position: copy.position + 50 };
  v.admitted.length = 0;
  restart(v, 3, twin);
  expect(v.contradicted.map(([id]) => id)).toContain(3);
});

test('whoever contradicts does so again, however often it is asked', () => {
  // What the copy says of itself must not take the place of what is remembered of the original.
  const v = village();
  const copy = { ...(v.stores.get(3) as Store) };
  v.grow(3, 5);
  v.tick(intervalMs);
  for (let i = 0; i < 3; i += 1) restart(v, 3, copy);
  expect(v.admitted).toEqual([]);
  expect(v.contradicted.map(([id]) => id)).toEqual([3, 3, 3]);
});

test('a copy that is started again and again stays what it was found to be', () => {
  // Nobody answers its first starts: were they written down, they would outgrow what is missing.
  const v = village();
  const copy = { ...(v.stores.get(3) as Store) };
  v.grow(3, 2);
  v.tick(intervalMs);
  v.isLost = () => true;
  restart(v, 3, copy);
  for (let i = 0; i < 10; i += 1) restart(v, 3);
  v.isLost = () => false;
  restart(v, 3);
  expect(v.contradicted.map(([id]) => id)).toContain(3);
  expect(v.admitted).toEqual([]);
});

test('who is contradicted by one is not admitted by others', () => {
  const v = village();
  const copy = { ...(v.stores.get(3) as Store) };
  v.isLost = (from, to) => from === 3 && to === 1;
  v.grow(3, 5);
  v.tick(intervalMs);
  v.isLost = () => false;
  restart(v, 3, copy);
  v.tick(intervalMs);
  expect(v.contradicted).toEqual([[3, copy.position + 5]]);
  expect(v.admitted).toEqual([]);
});

test('nobody is admitted before every member that is connected has answered', () => {
  // The one that knows better may be slow.
  const v = village();
  const copy = { ...(v.stores.get(3) as Store) };
  v.isLost = (from, to) => from === 3 && to === 1;
  v.grow(3, 5);
  v.tick(intervalMs);
  v.isLost = (from) => from === 2;
  restart(v, 3, copy);
  v.tick(intervalMs);
  expect(v.admitted).toEqual([]);
  v.isLost = () => false;
  v.tick(intervalMs);
  expect(v.contradicted.map(([id]) => id)).toEqual([3]);
});

test('whoever comes later and remembers more says so, asked or not', () => {
  // 2 was down when 3 asked; 1 knew nothing of what 3 had forgotten.
  const v = village();
  const copy = { ...(v.stores.get(3) as Store) };
  v.isLost = (from, to) => from === 3 && to === 1;
  v.grow(3, 200);
  v.tick(intervalMs);
  v.tick(20_000);
  v.isLost = () => false;
  v.close(2);
  restart(v, 3, copy);
  expect(v.admitted).toEqual([3]);
  v.start(2);
  expect(v.contradicted.map(([id]) => id)).toContain(3);
  // And does not take the copy's word for it afterwards.
  v.contradicted.length = 0;
  restart(v, 3);
  expect(v.contradicted.map(([id]) => id)).toContain(3);
});

test('a start is told of once it is written down', () => {
  const v = village();
  v.isSlow = true;
  restart(v, 3);
  v.tick(intervalMs);
  v.isSlow = false;
  restart(v, 3);
  expect(v.admitted).toEqual([3]);
  expect(v.contradicted).toEqual([]);
});

test('without room nothing is written, and at an orderly end everything (S5)', () => {
  const v = village();
  v.tick(20_000);
  const writes = v.written.get(1);
  v.hasRoom = false;
  v.grow(3, 1_000);
  v.tick(20_000);
  v.tick(20_000);
  expect(v.written.get(1)).toBe(writes);
  v.hasRoom = true;
  v.grow(3, 1);
  v.tick(20_000);
  expect(v.written.get(1)).not.toBe(writes);

  v.grow(3, 1);
  v.tick(intervalMs);
  const position = v.stores.get(3)?.position;
  v.close(1);
  const remembered = v.written.get(1)?.find(({ store }) => store === storeOf(3));
  expect(remembered?.position).toBe(position);
});

test('what is remembered outlives those who remember', () => {
  // Everybody goes down, and one store is put back: the others have it in their logs.
  const v = village();
  const copy = { ...(v.stores.get(3) as Store) };
  v.grow(3, 1_000);
  v.tick(20_000);
  v.tick(20_000);
  for (const id of [1, 2, 3]) v.stop(id);
  v.stores.set(3, copy);
  for (const id of [1, 2, 3]) v.start(id);
  expect(v.contradicted.map(([id]) => id)).toContain(3);
  expect(new Set(v.admitted)).toEqual(new Set([1, 2]));
});

test('everybody may start at once', () => {
  const v = village();
  for (const id of [1, 2, 3]) v.stop(id);
  for (const id of [1, 2, 3]) v.start(id);
  v.tick(intervalMs);
  expect(new Set(v.admitted)).toEqual(new Set([1, 2, 3]));
  expect(v.contradicted).toEqual([]);
});

test('an answer to an earlier start, or of a store that is no member, admits nobody', () => {
  const v = village();
  let nonce = 0;
  v.isLost = (from, _, message) => {
    if (from === 3 && message.kind === 'standing') nonce = message.nonce;
    return message.kind === 'recalled';
  };
  v.isApart = (a, b) => a === 2 || b === 2;
  restart(v, 3);
  const standings = v.standings.get(3) as Standings;
  const fine = { kind: 'recalled', contradicts: false, position: 0 } as const;
  standings.onRecalled(member(1), { ...fine, nonce: nonce - 1 });
  standings.onRecalled({ id: 1, store: 'ffffffffffffffff' }, { ...fine, nonce });
  standings.onRecalled(member(9), { ...fine, nonce });
  standings.onRecalled(member(9), { ...fine, contradicts: true, nonce });
  expect(v.admitted).toEqual([]);
  expect(v.contradicted).toEqual([]);
  standings.onRecalled(member(1), { ...fine, nonce });
  expect(v.admitted).toEqual([3]);
});

test('nothing is told while nothing changes, and little is written', () => {
  const v = village();
  const told: HostMessage[] = [];
  v.isLost = (_, __, message) => {
    told.push(message);
    return false;
  };
  for (let i = 0; i < 100; i += 1) v.tick(intervalMs);
  expect(told).toEqual([]);
  const writes = v.written.get(1);
  v.grow(3, 1);
  v.tick(intervalMs);
  expect(told).toHaveLength(2);
  expect(v.written.get(1)).toBe(writes);
});

test('before it sleeps a replica tells and writes at once what is worth it', () => {
  const v = village();
  v.grow(3, 40);
  v.standings.get(3)?.wrapUp(v.nowMs);
  v.written.clear();
  v.standings.get(1)?.wrapUp(v.nowMs);
  const remembered = v.written.get(1)?.find(({ store }) => store === storeOf(3));
  expect(remembered?.position).toBe(v.stores.get(3)?.position);
  // Twice is not worth it, nor is anything before it takes part, or without room.
  v.written.clear();
  v.standings.get(1)?.wrapUp(v.nowMs);
  v.hasRoom = false;
  v.standings.get(2)?.wrapUp(v.nowMs);
  expect(v.written.size).toBe(0);
  v.hasRoom = true;
  v.isLost = () => true;
  restart(v, 2);
  v.grow(3, 400);
  expect(v.standings.get(2)?.isAdmitted).toBe(false);
  v.standings.get(2)?.wrapUp(v.nowMs);
  expect(v.written.size).toBe(0);
});
