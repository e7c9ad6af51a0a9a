import { afterEach, expect, test } from 'vitest';
import { type Actor, actor, clear, sharing, until, Wire } from './actors.ts';
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

const groupsOf = (first: Actor): Actor[] => {
  const all = [first, ...['second', 'third'].map((name) => sharing(first, first.id, name))];
  for (const one of all) watch(one);
  return all;
};

/**
 * Three processes with three groups; every pair has a wire each way that may be cut, go dead, or be
 * slow. Processes start again, and so do single groups.
 */
async function storm(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const slow = () => (random.below(4) === 0 ? random.below(8) : 0);
  const processes = new Map<number, Actor[]>();
  const wires = new Map<string, Wire>();
  const ways = (id: number) =>
    ids
      .filter((other) => other !== id)
      .map((other) => ({ id: other, address: wires.get(`${id} ${other}`)?.address ?? '' }));
  const at = (id: number): Actor[] => processes.get(id) ?? expect.unreachable();
  const all = (): Actor[] => [...processes.values()].flat();
  for (const id of ids) {
    processes.set(id, groupsOf(await actor(id, { ...times, seed: seed * 10 + id })));
  }
  for (const id of ids) {
    for (const to of ids) {
      const target = at(to)[0]?.address ?? '';
      if (to !== id) wires.set(`${id} ${to}`, await Wire.to(target, slow));
    }
  }
  for (const one of all()) one.knows(...ways(one.id));
  const retired: Actor[] = [];
  const restart = async (id: number, step: number): Promise<void> => {
    const [first = expect.unreachable()] = at(id);
    await first.transport.close();
    retired.push(...at(id));
    const again = await actor(id, { ...times, listen: first.address, seed: seed + step });
    processes.set(id, groupsOf(again));
    for (const one of at(id)) one.knows(...ways(id));
  };
  const reopen = (id: number, which: number): void => {
    const one = at(id)[which] ?? expect.unreachable();
    one.endpoint.close();
    retired.push(one);
    const again = sharing(one, id, one.local.group);
    watch(again);
    at(id)[which] = again;
    again.knows(...ways(id));
  };
  for (let step = 0; step < 30; step++) {
    const id = ids[random.below(3)] ?? 1;
    const wire = [...wires.values()][random.below(6)];
    const what = random.below(9);
    if (what === 0) wire?.cut();
    else if (what === 1) wire?.goDead();
    else if (what === 2) wire?.mend();
    else if (what === 3) at(id)[random.below(3)]?.knows(...ways(id).slice(random.below(3)));
    else if (what === 4) await restart(id, step);
    else if (what === 5) reopen(id, random.below(3));
    else for (const one of at(id)) for (const to of ids) one.send(to, `from ${id}`);
    for (let i = random.below(200); i > 0; i--) await turn();
  }
  for (const wire of wires.values()) wire.mend();
  for (const one of all()) one.knows(...ways(one.id));
  const whole = () => all().every(({ up }) => up.size === 2);
  await until(whole, `seed ${seed}: everybody is connected again`);
  for (const one of [...retired, ...all()]) checkChanges(one);
  for (const one of all()) one.frames.length = 0;
  await until(() => {
    for (const one of all()) for (const to of ids) one.send(to, `from ${one.id}`);
    return all().every(({ frames }) => frames.length > 4);
  }, `seed ${seed}: everybody hears everybody`);
}

const seeds = Number(process.env['RSL_STORMS'] ?? 12);

test('whatever breaks, restarts and comes back, everybody is connected in the end', async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    await storm(seed);
    await clear();
  }
}, 600_000);
