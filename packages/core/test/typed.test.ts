import {
  ApplicationError,
  type CommandFailedError,
  type Moment,
  msgpack,
  type Replica,
  type SlotMoment,
  type StateMachine,
  type TypedMachine,
  typed,
} from '@rsl/core';
import { afterEach, expect, test } from 'vitest';
import { Cluster, until } from './cluster.ts';

let cluster: Cluster | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

type Withdraw = { readonly amount: number } | 'fault';

/** Takes money, and counts even those who get none. */
class Account implements TypedMachine<Withdraw, number, unknown> {
  balance = 10;
  attempts = 0;

  execute(command: Withdraw): number {
    this.attempts += 1;
    if (command === 'fault') throw new Error('a fault in the program');
    const { amount } = command;
    if (amount > this.balance) {
      throw new ApplicationError('insufficient-funds', `only ${this.balance} are left`, {
        missing: amount - this.balance,
      });
    }
    this.balance -= amount;
    return this.balance;
  }

  snapshot(): unknown {
    return [this.balance, this.attempts];
  }

  restore(state: unknown): void {
    [this.balance, this.attempts] = state as [number, number];
  }
}

async function accounts() {
  const machines = new Map<number, Account>();
  const machine = (id: number): StateMachine => {
    const account = new Account();
    machines.set(id, account);
    return typed(account);
  };
  cluster = await new Cluster({ machine }).formed();
  const at = (id: number): Replica<Withdraw, number> =>
    cluster?.at(id) as unknown as Replica<Withdraw, number>;
  return { at, cluster, machines };
}

test('an ApplicationError is the result of its command on every replica, all go on', async () => {
  const { at, cluster: group, machines } = await accounts();
  expect(await at(1).propose({ amount: 4 })).toBe(6);
  const error = await at(2)
    .propose({ amount: 9 })
    .then(
      () => undefined,
      (thrown: unknown) => thrown as CommandFailedError,
    );
  expect(error).toMatchObject({
    name: 'CommandFailedError',
    code: 'RSL_APPLICATION',
    outcome: 'executed',
    applicationCode: 'insufficient-funds',
    message: 'only 6 are left',
    data: { missing: 3 },
  });
  expect(await at(3).propose({ amount: 6 })).toBe(0);
  for (const id of group.ids) await at(id).barrier('linearizable');
  // What it had changed before it threw stays, everywhere.
  const states = [...machines.values()].map((account) => account.snapshot());
  expect(states).toEqual([1, 2, 3].map(() => [0, 3]));
});

/** Executes commands as one slot; gives what came out. */
function executed(machine: StateMachine, slot: number, ...commands: Uint8Array[]): Uint8Array[] {
  const results: Uint8Array[] = [];
  const ends = commands.map((_, i) =>
    commands.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0),
  );
  machine.execute(
    {
      slot,
      timeMs: 5,
      live: true,
      count: commands.length,
      bytes: Buffer.concat(commands),
      start: (i) => ends[i - 1] ?? 0,
      end: (i) => ends[i] ?? 0,
      session: () => undefined,
    },
    { wanted: (i) => i !== 1, push: (result) => results.push(result) },
  );
  return results;
}

/** Says what is done to it. */
class Told implements TypedMachine<string, string, string[]> {
  readonly did: string[] = [];

  beginSlot({ slot, timeMs, live }: SlotMoment): void {
    this.did.push(`begin ${slot} ${timeMs} ${live}`);
  }

  execute(command: string, { slot, offset }: Moment): string {
    if (command === 'fault') throw new Error('a fault');
    if (command === 'no') throw new ApplicationError('no', 'not this one');
    this.did.push(`${command} ${slot}.${offset}`);
    return command;
  }

  endSlot({ slot }: SlotMoment): void {
    this.did.push(`end ${slot}`);
  }

  snapshot(): string[] {
    return this.did;
  }

  restore(): void {}
}

test('beginSlot and endSlot stand around the commands of each slot, also of none', () => {
  const told = new Told();
  const machine = typed(told);
  const [a, no, b] = ['a', 'no', 'b'].map((each) => machine.codec.encodeCommand(each));
  executed(machine, 3, a as Uint8Array, no as Uint8Array, b as Uint8Array);
  executed(machine, 4);
  const slots = ['begin 3 5 true', 'a 3.0', 'b 3.2', 'end 3', 'begin 4 5 true', 'end 4'];
  expect(told.did).toEqual(slots);
});

test('a fault leaves its slot open: nobody ends it', () => {
  // Whoever has a transaction for each slot must not make half of one durable.
  const told = new Told();
  const machine = typed(told);
  const fault = machine.codec.encodeCommand('fault');
  expect(() => executed(machine, 3, fault)).toThrow('a fault');
  expect(told.did).toEqual(['begin 3 5 true']);
});

test('a value and an error that look the same are told apart; only who waits gets bytes', () => {
  const machine = typed({
    execute: (command: string): unknown => {
      if (command === 'throw') throw new ApplicationError('code', 'message');
      return ['code', 'message', undefined];
    },
    snapshot: () => 0,
    restore: () => {},
  });
  const { codec } = machine;
  const give = codec.encodeCommand('give');
  const [value, unwanted, error] = executed(machine, 1, give, give, codec.encodeCommand('throw'));
  expect(codec.decodeResult(value as Uint8Array)).toEqual(['code', 'message', undefined]);
  expect(unwanted).toHaveLength(0);
  expect(() => codec.decodeResult(error as Uint8Array)).toThrowError(
    expect.objectContaining({ applicationCode: 'code', data: undefined }) as Error,
  );
});

test('whatever else is thrown is a fault, and stops every replica that gets there', async () => {
  // The third one cannot: it has no quorum any more.
  const { at, cluster: group } = await accounts();
  const call = at(1).propose('fault');
  const heard = expect(call).rejects.toMatchObject({ outcome: 'unknown' });
  const stopped = (): number[] => group.ids.filter((id) => at(id).status().state === 'stopped');
  await until('a majority has stopped', () => stopped().length >= 2);
  for (const id of stopped()) {
    expect(at(id).status().reason?.code).toBe('RSL_STATE_MACHINE_FAILED');
    expect(at(id).status().reason?.message).toMatch(/slot \d+: a fault in the program.*skip: \[/);
  }
  await group.close();
  await heard;
});

test('a state on a disk says through which slot, and nothing is executed twice', async () => {
  const disk = { slot: 0, commands: [] as string[] };
  const machine = (): StateMachine => {
    let transaction: string[] = [];
    return typed<string, number, string[]>({
      open: async () => disk.slot,
      beginSlot: () => void (transaction = []),
      execute: (command) => transaction.push(command),
      endSlot: ({ slot }) => {
        disk.commands.push(...transaction);
        disk.slot = slot;
      },
      snapshot: () => disk.commands,
      restore: () => {},
    });
  };
  cluster = await new Cluster({ replicas: 1, machine }).formed();
  const replica = (): Replica<string, number> =>
    cluster?.at(1) as unknown as Replica<string, number>;
  await replica().propose('a');
  await replica().propose('b');
  await cluster.stop(1);
  await cluster.start(1);
  await cluster.leader();
  await replica().propose('c');
  expect(disk.commands).toEqual(['a', 'b', 'c']);
});

test('msgpack brings plain data back; of a Map it makes an object, of a Set an array', () => {
  const again = (value: unknown): unknown => msgpack.decode(msgpack.encode(value));
  const plain = { n: 1.5, text: 'x', yes: true, none: null, list: [1, { a: [] }], at: new Date(7) };
  expect(again(plain)).toEqual(plain);
  expect(again(Uint8Array.of(1, 2))).toEqual(Buffer.from([1, 2]));
  // Whoever has a Map in its state must not restore what this gives as one.
  expect(again(new Map([[1, 'a']]))).toEqual({ 1: 'a' });
  expect(again(new Set([1]))).toEqual([1]);
});
