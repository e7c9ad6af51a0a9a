// What a window of many slots in flight is worth: three replicas in one process, one command a
// slot, every frame 10 ms under way. Prints one line of JSON; fails below 40 × at 64 slots.
import { type Replica, startReplica } from '@rsl/core';
import { DigestMachine, MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';

const frameDelayMs = 10;
const measureMs = 3_000;
const windows = [1, 4, 16, 64];
const ratioMin = 40;

const members = [1, 2, 3].map((id) => ({ id, addresses: { memory: `memory:${id}` } }));

async function slotsPerSecond(window: number): Promise<number> {
  const network = new MemoryNetwork({
    later: (delayMs, run) => setTimeout(run, delayMs),
    fate: () => [frameDelayMs],
  });
  const replicas = await Promise.all(
    members.map(({ id }) =>
      startReplica({
        group: `window-${window}`,
        self: id,
        stateMachine: new DigestMachine(),
        log: memoryLog(),
        transport: memoryTransport(network, `memory:${id}`),
        limits: { slotsInFlightMax: window, batchCommandsMax: 1 },
      }),
    ),
  );
  const leading = new Promise<Replica>((resolve) => {
    for (const replica of replicas) replica.on('recovered', () => resolve(replica));
  });
  await replicas[0]?.bootstrap(members);
  const leader = await leading;
  const done = { count: 0, running: true };
  const command = new Uint8Array(16);
  const next = (): void => {
    if (!done.running) return;
    leader.proposeMany([command], {
      result: () => {
        done.count += 1;
        next();
      },
      error: (_, error) => {
        if (done.running) throw error;
      },
    });
  };
  for (let i = 0; i < 2 * window; i += 1) next();
  const before = { count: 0, atMs: 0 };
  await new Promise((resolve) => setTimeout(resolve, measureMs / 3));
  before.count = done.count;
  before.atMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, measureMs));
  const rate = ((done.count - before.count) * 1_000) / (performance.now() - before.atMs);
  done.running = false;
  await Promise.all(replicas.map((replica) => replica.close()));
  return Math.round(rate);
}

const commandsPerSecond: Record<string, number> = {};
for (const window of windows) commandsPerSecond[window] = await slotsPerSecond(window);
const ratio = (commandsPerSecond[64] ?? 0) / (commandsPerSecond[1] ?? 1);
console.log(
  JSON.stringify({
    frameDelayMs,
    commandsPerSlot: 1,
    commandsPerSecond,
    ratio: Number(ratio.toFixed(1)),
    ratioMin,
  }),
);
process.exit(ratio >= ratioMin ? 0 : 1);
