import { afterEach, expect, test } from 'vitest';
import { type Actor, actor, clear, until, Wire } from './actors.ts';
import { seededRandom } from './context.ts';

afterEach(clear);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const ids = [1, 2, 3];
const times = {
  pingIntervalMs: 50,
  deadAfterMs: 200,
  probeTimeoutMs: 100,
  handshakeTimeoutMs: 300,
  reconnectDelayMsMin: 5,
  reconnectDelayMsMax: 40,
};

/** Up and down take turns, and no frame comes while a peer is down or from a store that is not. */
function watch(one: Actor): void {
  one.frame = (from, frame) => {
    const told = Buffer.from(frame).toString();
    expect(one.up.get(from.id), 'a frame of a peer that is not up').toEqual(from);
    expect(told).toBe(`from ${from.id}`);
    one.frames.push(frame.slice());
  };
}

function checkChanges(one: Actor): void {
  for (const id of ids) {
    const own = one.changes.filter((change) => change.endsWith(` ${id}`));
    own.forEach((change, i) => expect(change).toBe(`${i % 2 === 0 ? 'up' : 'down'} ${id}`));
  }
}

/** Three replicas; every pair has a wire each way that may be cut, go dead, or be slow. */
async function storm(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const slow = () => (random.below(4) === 0 ? random.below(8) : 0);
  const actors = new Map<number, Actor>();
  const wires = new Map<string, Wire>();
  const ways = (id: number) =>
    ids
      .filter((other) => other !== id)
      .map((other) => ({ id: other, address: wires.get(`${id} ${other}`)?.address ?? '' }));
  for (const id of ids) actors.set(id, await actor(id, { ...times, seed: seed * 10 + id }));
  for (const id of ids) {
    for (const to of ids) {
      const target = actors.get(to)?.address ?? '';
      if (to !== id) wires.set(`${id} ${to}`, await Wire.to(target, slow));
    }
  }
  for (const one of actors.values()) {
    watch(one);
    one.knows(...ways(one.id));
  }
  const retired: Actor[] = [];
  for (let step = 0; step < 25; step++) {
    const id = ids[random.below(3)] ?? 1;
    const one = actors.get(id);
    const wire = [...wires.values()][random.below(6)];
    if (one === undefined || wire === undefined) continue;
    const what = random.below(8);
    if (what === 0) wire.cut();
    else if (what === 1) wire.goDead();
    else if (what === 2) wire.mend();
    else if (what === 3) one.knows(...ways(id).slice(random.below(3)));
    else if (what === 4) {
      await one.transport.close();
      retired.push(one);
      const again = await actor(id, { ...times, listen: one.address, seed: seed + step });
      watch(again);
      actors.set(id, again);
      again.knows(...ways(id));
    } else for (const to of ids) one.send(to, `from ${id}`);
    for (let i = random.below(200); i > 0; i--) await turn();
  }
  for (const wire of wires.values()) wire.mend();
  for (const one of actors.values()) one.knows(...ways(one.id));
  const whole = () => [...actors.values()].every(({ up }) => up.size === 2);
  await until(whole, `seed ${seed}: everybody is connected again`);
  for (const one of [...retired, ...actors.values()]) checkChanges(one);
  for (const one of actors.values()) {
    one.frames.length = 0;
  }
  await until(() => {
    for (const one of actors.values()) for (const to of ids) one.send(to, `from ${one.id}`);
    return [...actors.values()].every(({ frames }) => frames.length > 4);
  }, `seed ${seed}: everybody hears everybody`);
}

const seeds = Number(process.env['RSL_STORMS'] ?? 12);

test('whatever breaks, restarts and comes back, everybody is connected in the end', async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    await storm(seed);
    await clear();
  }
}, 600_000);
