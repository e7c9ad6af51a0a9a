import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, until } from './cluster.ts';
import { gossip, GossipBeside, type Seen } from './gossip-layer.ts';

let cluster: Cluster;
let besides: Map<number, GossipBeside>;

afterEach(async () => {
  await cluster.close();
});

async function gossiping(): Promise<void> {
  besides = new Map();
  const layers = (id: number): ReturnType<typeof gossip>[] => {
    const beside = new GossipBeside();
    besides.set(id, beside);
    return [gossip(beside)];
  };
  cluster = await new Cluster({ layers }).formed();
}

const at = (id: number): GossipBeside => besides.get(id) as GossipBeside;

const sawOf = (id: number, kind: Seen['kind']): Seen[] =>
  at(id).seen.filter((seen) => seen.kind === kind);

const heard = (id: number, from: number, text: string): boolean =>
  sawOf(id, 'heard').some((seen) => 'from' in seen && seen.from === from && seen.text === text);

test('a layer is heard by its own kind on the other replicas', async () => {
  await gossiping();
  at(2).say('good morning');
  await until(
    'both have heard it',
    () => heard(1, 2, 'good morning') && heard(3, 2, 'good morning'),
  );
  expect(heard(2, 2, 'good morning')).toBe(false);
});

test('what its half beside the state machine says at the start is not lost', async () => {
  await gossiping();
  await cluster.stop(3);
  await cluster.start(3);
  await until('the others have heard it again', () => {
    const times = sawOf(1, 'heard').filter((s) => 'from' in s && s.from === 3);
    return times.length >= 1;
  });
});

test('a layer sees connections come and go', async () => {
  await gossiping();
  await until('1 sees both', () => {
    return new Set(sawOf(1, 'connection').map((s) => 'with' in s && s.with)).size === 2;
  });
  await cluster.stop(3);
  await until('1 sees it go', () => {
    const last = sawOf(1, 'connection').findLast((s) => 'with' in s && s.with === 3);
    return last?.kind === 'connection' && !last.up;
  });
});

test('its half beside the state machine sees each slot right after it was executed', async () => {
  await gossiping();
  for (let i = 0; i < 5; i += 1) await cluster.at(2).propose(bytesOf(`command ${i}`));
  await cluster.at(3).barrier('linearizable');
  const slots = sawOf(3, 'executed').map((seen) => ('slot' in seen ? seen.slot : 0));
  expect(slots.length).toBeGreaterThan(0);
  expect(slots).toEqual(slots.map((_, i) => (slots[0] as number) + i));
  expect(slots.at(-1)).toBe(cluster.at(3).status().executedThrough);
});

test('a layer that cannot go on ends its replica, and is closed with it', async () => {
  await gossiping();
  at(2).fail(new Error('the gossip has run out'));
  await until('it stops', () => cluster.at(2).status().state === 'stopped');
  expect(cluster.at(2).status().reason?.message).toMatch('the gossip has run out');
  await until('it is closed', () => at(2).isClosed);
});
