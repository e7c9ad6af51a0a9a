import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ManyResults } from '../api.ts';
import { sealBatch } from '../codec/batch.ts';
import { encodeSegment } from '../codec/segment.ts';
import { defaultLimits as limits } from '../limits.ts';
import type { Ballot } from '../paxos/ballot.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import { DigestMachine } from '../testing/digest-machine.ts';
import { LoneMachine } from '../testing/lone-machine.ts';
import { Execution } from './execution.ts';
import { Proposals } from './proposals.ts';
import { ExecutedState } from './replicated-state.ts';
import { imagePieceBytes } from './saved-image.ts';

const ballot = (round: number): Ballot => ({ configuration: 1, round, proposer: 1 });

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function* inPieces(bytes: Uint8Array, length = 7): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
}

const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** A machine after these commands, one to a slot. */
function after(...commands: string[]): { lone: LoneMachine; machine: DigestMachine } {
  const machine = new DigestMachine();
  const lone = new LoneMachine(machine);
  for (const command of commands) lone.execute(command);
  return { lone, machine };
}

const errorOf = async (promise: Promise<unknown>): Promise<{ code?: string } | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => error as { code?: string },
  );

describe('the image of all that is replicated', () => {
  test('brings another replica to the same state, which goes on the same way', async () => {
    const { lone, machine } = after('a', 'b', 'c');
    const image = await collected(lone.state.save());
    const other = after();
    await other.lone.state.load(3, inPieces(image));
    expect(other.lone.state.executedThrough).toBe(3);
    expect(other.lone.state.timeMs).toBe(lone.state.timeMs);
    other.lone.log.cut(4);
    for (const { lone: each } of [{ lone }, other]) each.execute('d');
    expect(other.machine.digest).toBe(machine.digest);
    expect(await collected(other.lone.state.save())).toEqual(await collected(lone.state.save()));
  });

  test('is that of the call: what is executed meanwhile changes nothing of it', async () => {
    const { lone } = after('a', 'b');
    const expected = await collected(lone.state.save());
    const image = lone.state.save();
    const first = await image.next();
    lone.execute('c');
    lone.openSession(1_000);
    const rest = await collected(image);
    expect(Buffer.concat([first.value ?? new Uint8Array(0), rest])).toEqual(expected);
  });

  test('comes in bounded pieces, whatever the state machine saves', async () => {
    const saved = [new Uint8Array(3 * imagePieceBytes + 5), new Uint8Array(0), Uint8Array.of(1)];
    const { state } = new LoneMachine({ ...plain(), save: () => saved });
    const lengths: number[] = [];
    for await (const piece of state.save()) lengths.push(piece.length);
    expect(Math.max(...lengths)).toBe(imagePieceBytes);
    expect(Math.min(...lengths)).toBeGreaterThan(0);
  });

  test('sessions survive it, with the results that they keep (P9)', async () => {
    const { lone, machine } = after('a');
    const session = lone.openSession(60_000);
    const part = { ...session, firstSequence: 1, acknowledged: 0 };
    lone.executeUnder(part, 'once');
    expect(textOf(lone.resultOf(session, 1))).toBe('3.0');
    const other = after();
    await other.lone.state.load(3, inPieces(await collected(lone.state.save())));
    expect(textOf(other.lone.resultOf(session, 1))).toBe('3.0');
    other.lone.log.cut(4);
    // The same sequence again: both know that it has executed.
    for (const each of [lone, other.lone]) each.executeUnder(part, 'once');
    expect(other.machine.digest).toBe(machine.digest);
    expect(await collected(other.lone.state.save())).toEqual(await collected(lone.state.save()));
  });
});

const plain = (): StateMachine => ({
  execute: (batch, results) => {
    for (let i = 0; i < batch.count; i += 1) results.push(new Uint8Array(0));
  },
  save: () => [],
  load: async () => {},
});

describe('a frozen view that is not walked to its end is given back', () => {
  function frozen() {
    const told = { open: 0 };
    const machine: StateMachine = {
      ...plain(),
      save: () => {
        told.open += 1;
        return (function* () {
          try {
            for (;;) yield new Uint8Array(10);
          } finally {
            told.open -= 1;
          }
        })();
      },
    };
    return { told, state: new LoneMachine(machine).state };
  }

  for (const pieces of [0, 1, 2, 5]) {
    test(`after ${pieces} pieces`, async () => {
      const { told, state } = frozen();
      const image = state.save();
      for (let i = 0; i < pieces; i += 1) await image.next();
      expect(told.open).toBe(1);
      await image.return?.();
      expect(told.open).toBe(0);
      expect((await image.next()).done).toBe(true);
    });
  }
});

describe('what is no image of that slot changes nothing', () => {
  const untouched = async (bytes: Uint8Array, slot = 3): Promise<unknown> => {
    const { lone, machine } = after('x');
    const { digest } = machine;
    const error = await errorOf(lone.state.load(slot, inPieces(bytes)));
    expect([lone.state.executedThrough, machine.digest, lone.state.canSave]).toEqual([
      1,
      digest,
      true,
    ]);
    return error?.code;
  };

  test('another slot, one that was executed, an older time', async () => {
    const image = await collected(after('a', 'b', 'c').lone.state.save());
    expect(await untouched(image, 4)).toBe('RSL_FRAME_INVALID');
    const early = await collected(after('a').lone.state.save());
    expect(await untouched(early, 1)).toBe('RSL_FRAME_INVALID');
    const { lone } = after('a', 'b');
    lone.executeValue(sealBatch(9_999, ballot(3), []));
    expect((await errorOf(lone.state.load(4, inPieces(image))))?.code).toBe('RSL_FRAME_INVALID');
    const noTime = await imageWith({ slot: 4, timeMs: 5, sealedIn: ballot(9) });
    expect((await errorOf(lone.state.load(4, inPieces(noTime))))?.code).toBe('RSL_FRAME_INVALID');
    const noBallot = await imageWith({ slot: 4, timeMs: 99_999, sealedIn: ballot(2) });
    expect((await errorOf(lone.state.load(4, inPieces(noBallot))))?.code).toBe('RSL_FRAME_INVALID');
  });

  test('a header that is cut off, anywhere', async () => {
    const { lone } = after('a', 'b');
    lone.openSession(60_000);
    const image = await collected(lone.state.save());
    const header = 8 + image.readUInt32LE(0);
    for (let length = 0; length < header; length += 1) {
      expect(await untouched(image.subarray(0, length))).toBe('RSL_FRAME_INVALID');
    }
  });

  test('a header with any bit flipped', async () => {
    const { lone } = after('a', 'b');
    lone.openSession(60_000);
    const image = await collected(lone.state.save());
    const bits = 8 * (8 + image.readUInt32LE(0));
    for (let bit = 0; bit < bits; bit += 1) {
      const flipped = Buffer.from(image);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(await untouched(flipped), `bit ${bit}`).toBe('RSL_FRAME_INVALID');
    }
  });

  test('any bytes', async () => {
    const check = async (bytes: Uint8Array): Promise<void> => {
      expect(await untouched(bytes)).toBe('RSL_FRAME_INVALID');
    };
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), check));
  });

  test('what cannot be read rejects with the error of the medium', async () => {
    const { lone } = after('x');
    const broken = new Error('cannot be read');
    const chunks: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(broken) }),
    };
    await expect(lone.state.load(3, chunks)).rejects.toBe(broken);
    expect(lone.state.executedThrough).toBe(1);
  });
});

async function imageWith(header: { slot: number; timeMs: number; sealedIn: Ballot }) {
  const machine = new DigestMachine();
  const proposals = new Proposals({ self: 1, epoch: 7, limits });
  const execution = new Execution(machine, 1, proposals);
  const sessions = new Execution(machine, 1, proposals).sessions;
  execution.install(header.slot, { ...header, sessions });
  return collected(new ExecutedState(execution, machine).save());
}

test('a state machine that fails to load has an unknown state: RSL_LOAD_FAILED', async () => {
  const image = await collected(after('a', 'b', 'c').lone.state.save());
  const load = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) throw new Error(`no idea what ${chunk.length} bytes are`);
  };
  const { state } = new LoneMachine({ ...plain(), load });
  const error = await errorOf(state.load(3, inPieces(image)));
  expect(error).toMatchObject({ code: 'RSL_LOAD_FAILED', slot: 3 });
  expect(state.executedThrough).toBe(0);
});

test('what was sent before a load has an unknown outcome, and is not sent again', async () => {
  // The command may be among the slots that were loaded; the ballot of the loaded state must not be
  // taken as evidence that it is not, or it would be executed twice (P9).
  const proposals = new Proposals({ self: 1, epoch: 7, limits });
  const execution = new Execution(new DigestMachine(), 1, proposals);
  const told: string[] = [];
  const sink: ManyResults = {
    result: (i) => told.push(`${i} result`),
    error: (i, { code }) => told.push(`${i} ${code}`),
  };
  proposals.add([Uint8Array.of(1)], sink, Infinity);
  proposals.takeSegment(ballot(1), 1, 100);
  proposals.add([Uint8Array.of(2)], sink, Infinity);
  const { sessions } = new Execution(new DigestMachine(), 1, proposals);
  execution.install(9, { timeMs: 5, sealedIn: ballot(4), sessions });
  proposals.requeueBelow(execution.sealedIn);
  expect(told).toEqual(['0 RSL_OUTCOME_UNKNOWN']);
  expect(proposals.queuedCount).toBe(1);
});

test('a stream of executed slots begins anew after a state that was loaded', async () => {
  const { lone } = after('a', 'b', 'c');
  const proposals = new Proposals({ self: 1, epoch: 7, limits });
  const execution = new Execution(new DigestMachine(), 1, proposals);
  const segment = encodeSegment({ origin: 9, epoch: 1, firstSequence: 1 }, [Uint8Array.of(1)]);
  execution.execute(1, sealBatch(1, ballot(1), [segment]), true);
  const woken = execution.executed.changed(undefined);
  const image = await collected(lone.state.save());
  await new ExecutedState(execution, new DigestMachine()).load(3, inPieces(image));
  await woken;
  expect(() => execution.executed.at(2)).toThrowError(
    expect.objectContaining({ code: 'RSL_STREAM_BEHIND' }) as Error,
  );
  expect(execution.executed.firstSlot).toBe(4);
});
