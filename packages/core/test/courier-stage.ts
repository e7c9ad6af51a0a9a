import { checkSegment, commandsIn, encodeSegment } from '../src/codec/segment.ts';
import type { Clock } from '../src/ports/clock.ts';
import { silentLogger } from '../src/ports/logger.ts';
import { encodeName } from '../src/sessions/control.ts';
import { SeededRandom } from '../src/testing/seeded-random.ts';
import { type PlayedReplica, PlayedReplicas } from './played-replica.ts';
import type { Outcome } from '../src/errors.ts';
import { defaultClientLimits, defaultClientTimings } from '../src/client/client-options.ts';
import { Courier } from '../src/client/courier.ts';

export const ttlMs = 3_000;
export const name = { slot: 5, offset: 2 };
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (result: Uint8Array): string => new TextDecoder().decode(result);

/** A courier whose time and replicas the test plays. */
export function stage(addresses: readonly string[] = ['a'], timeoutMs = 5_000) {
  const replicas = new PlayedReplicas();
  const soon: (() => void)[] = [];
  let nowMs = 1_000;
  const clock = { nowMs: () => nowMs, soon: (run) => void soon.push(run) } as Clock;
  const courier = new Courier({
    group: 'tested',
    addresses,
    connector: replicas,
    limits: defaultClientLimits,
    timings: defaultClientTimings,
    ttlMs,
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    onStatus: (status) => void outcomes.push(`status ${text(status)}`),
  });
  const outcomes: string[] = [];
  const turn = async (): Promise<void> => {
    for (;;) {
      for (let i = 0; i < 5; i += 1) await Promise.resolve();
      const runs = soon.splice(0);
      if (runs.length === 0) return;
      for (const run of runs) run();
    }
  };
  const wait = async (ms: number): Promise<void> => {
    nowMs += ms;
    courier.onTick();
    await turn();
  };
  const propose = (...commands: string[]): number => {
    const sink = {
      result: (i: number, result: Uint8Array) =>
        void outcomes.push(`${commands[i]}: ${text(result)}`),
      error: (i: number, { code }: { code: string }) =>
        void outcomes.push(`${commands[i]}: ${code}`),
    };
    return courier.propose(commands.map(bytes), sink, nowMs + timeoutMs);
  };
  return { courier, outcomes, propose, replicas, turn, wait };
}

/** What it was given to do: session, acknowledged, first sequence, commands. */
export function given(replica: PlayedReplica): string[] {
  return replica.take('commands').map(({ segment }) => {
    const header = checkSegment(segment);
    const { session } = header;
    const commands = [...commandsIn(segment, header)].map(text).join();
    const of = `${session?.slot}.${session?.offset}`;
    return `${of} after ${session?.acknowledged}, ${session?.firstSequence}: ${commands}`;
  });
}

export const answer = (
  replica: PlayedReplica,
  firstSequence: number,
  ...results: string[]
): void => {
  const session = { ...name, firstSequence, acknowledged: 0 };
  const segment = encodeSegment(
    { origin: 0, epoch: 0, firstSequence, session },
    results.map(bytes),
  );
  replica.say({ kind: 'results', segment });
};

export const fail = (replica: PlayedReplica, sequence: number, code: string): void => {
  const problem = { code, outcome: 'unknown' as Outcome, message: 'no' };
  replica.say({ kind: 'failed', ...name, sequence, problem });
};

/** Connected, with a session, and these commands given to the replica. */
export const begun = (...commands: string[]) => begunAt(['a'], ...commands);

export async function begunAt(addresses: readonly string[], ...commands: string[]) {
  const all = stage(addresses);
  await all.turn();
  all.replicas.last.welcome();
  if (commands.length > 0) all.propose(...commands);
  await all.turn();
  if (commands.length > 0) await openSession(all.replicas.last, all.turn);
  return all;
}

export async function openSession(
  replica: PlayedReplica,
  turn: () => Promise<void>,
  as = name,
): Promise<void> {
  const [ask] = replica.take('ask');
  if (ask?.question.what !== 'open') throw new Error('it asks for no session');
  replica.say({ kind: 'answer', number: ask.number, slot: 0, bytes: encodeName(as) });
  await turn();
}
