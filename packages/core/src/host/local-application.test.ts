import { expect, test } from 'vitest';
import { sealBatch } from '../codec/batch.ts';
import { defaultLimits, defaultSlow, defaultTimings } from '../limits.ts';
import type { Clock } from '../ports/clock.ts';
import { silentLogger } from '../ports/logger.ts';
import { DigestMachine } from '../testing/digest-machine.ts';
import { LocalApplication } from './local-application.ts';
import { measuresOf } from './measures.ts';

const clock: Clock = { nowMs: () => 0, wallMs: () => 0, everyMs: () => () => {}, soon() {} };
const sink = { result() {}, error() {} };

const batch = sealBatch(0, { configuration: 1, round: 1, proposer: 1 }, []);

class FailingMachine extends DigestMachine {
  fails = false;

  override execute(...given: Parameters<DigestMachine['execute']>): void {
    if (this.fails) throw new Error('broken');
    super.execute(...given);
  }
}

function stage() {
  const machine = new FailingMachine();
  const engine = { wakes: 0, refusesCommands: false, wake: () => void (engine.wakes += 1) };
  const sizes = { slow: defaultSlow, limits: defaultLimits, timings: defaultTimings };
  const application = new LocalApplication({
    self: 1,
    epoch: 1,
    limits: defaultLimits,
    skip: new Set<number>(),
    clock,
    stateMachine: machine,
    metrics: measuresOf(sizes, clock, silentLogger).metrics,
    emit: () => undefined,
    engine: () => engine,
  });
  return { application, engine, machine };
}

test('reads at a slot are told of it once it is executed (Q3)', async () => {
  const { application } = stage();
  const told: number[] = [];
  const read = application.barrierAtLeast(2, 1e9, {}).then((slot) => told.push(slot));
  application.execute(1, batch);
  application.execute(2, batch);
  await Promise.race([read, new Promise((resolve) => setImmediate(resolve))]);
  expect(told).toEqual([2]);
});

test('reads at a slot that cannot be executed are not answered (Q3)', async () => {
  // Told before, they would read a state that does not have the slot, and never will.
  const { application, machine } = stage();
  const read = application.barrierAtLeast(1, 1e9, {});
  machine.fails = true;
  expect(() => application.execute(1, batch)).toThrowError('broken');
  application.close(undefined);
  await expect(read).rejects.toMatchObject({ code: 'RSL_CLOSED' });
});

test('callers wake the engine; one without room for commands is not given any (S5)', () => {
  const { application, engine } = stage();
  application.propose([Uint8Array.of(1)], sink, 1e9);
  expect(engine.wakes).toBe(1);
  engine.refusesCommands = true;
  expect(() => application.propose([Uint8Array.of(2)], sink, 1e9)).toThrowError(
    expect.objectContaining({ code: 'RSL_STORAGE_FULL' }) as Error,
  );
  expect(application.pending).toEqual({ commands: 1, bytes: 1 });
});

test('once the engine has ended callers hear why', async () => {
  const { application } = stage();
  const waits = application.barrier(1e9, {});
  application.close(undefined);
  await expect(waits).rejects.toMatchObject({ code: 'RSL_CLOSED' });
  expect(() => application.propose([], sink, 1e9)).toThrowError(
    expect.objectContaining({ code: 'RSL_CLOSED' }) as Error,
  );
});

test('what is half loaded is not read: whoever asks waits for the whole', async () => {
  const source = stage().application;
  for (let slot = 1; slot <= 3; slot += 1) source.execute(slot, batch);
  const pieces: Uint8Array[] = [];
  for await (const piece of source.state.save()) pieces.push(piece);
  const { application } = stage();
  application.execute(1, batch);
  let goOn = (): void => undefined;
  const isOpen = new Promise<void>((resolve) => (goOn = resolve));
  async function* slowly(): AsyncGenerator<Uint8Array> {
    yield* pieces.slice(0, 1);
    await isOpen;
    yield* pieces.slice(1);
  }
  const loading = application.state.load(3, slowly());
  const told: string[] = [];
  const reads = [0, 1, 3].map(async (slot) => {
    told.push(`${slot} at ${await application.barrierAtLeast(slot, 1e9, {})}`);
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([]);
  goOn();
  await loading;
  application.installed(3);
  await Promise.all(reads);
  expect(told).toEqual(['0 at 3', '1 at 3', '3 at 3']);
});
