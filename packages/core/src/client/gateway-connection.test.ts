import { expect, test } from 'vitest';
import type { ManyResults, ReadLevel, RelayedPart, Replica } from '../api.ts';
import { readFrame } from '../codec/frame.ts';
import { checkSegment, commandsIn, encodeSegment } from '../codec/segment.ts';
import { OverloadedError, RslError } from '../errors.ts';
import { SessionExpiredError } from '../session-errors.ts';
import { silentLogger } from '../ports/logger.ts';
import { clientFrame, type ClientMessage, readClientMessage } from './client-messages.ts';
import { GatewayConnection } from './gateway-connection.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (result: Uint8Array): string => new TextDecoder().decode(result);

interface Proposed {
  readonly part: RelayedPart;
  readonly commands: readonly string[];
  readonly results: ManyResults;
}

/** A client's connection with a replica that the test plays. */
function stage(commandsMax = 100) {
  const proposed: Proposed[] = [];
  const asked: string[] = [];
  const heard: ClientMessage[] = [];
  const flow: string[] = [];
  const soon: (() => void)[] = [];
  const state = {
    hasRoom: true,
    frameBytesMax: Infinity,
    refuses: undefined as Error | undefined,
    ended: 0,
  };
  const replica = {
    limits: { commandBytesMax: 99 },
    status: () => ({ group: 'tested', self: 3 }),
    // More is executed between the moment a barrier resolves and the answer.
    executedThrough: 14,
    barrier: async (level: ReadLevel) => {
      asked.push(`barrier ${typeof level === 'string' ? level : level.atLeast}`);
      return 12;
    },
    relay: {
      open: async (ttlMs: number) => {
        asked.push(`open ${ttlMs}`);
        return '5.2';
      },
      use: async (session: string, acknowledged: number) => {
        asked.push(`use ${session} ${acknowledged}`);
      },
      close: async () => {
        throw new SessionExpiredError('ended');
      },
      propose: (part: RelayedPart, commands: Uint8Array[], results: ManyResults) => {
        if (state.refuses !== undefined) throw state.refuses;
        proposed.push({ part, commands: commands.map(text), results });
      },
    },
  };
  const gateway = new GatewayConnection({
    replica: replica as unknown as Replica,
    connection: {
      remote: 'a client',
      queuedBytes: 0,
      send: (parts) => {
        const frame = Uint8Array.from(Buffer.concat(parts));
        if (frame.length > state.frameBytesMax) throw new RangeError(`${frame.length} bytes`);
        if (!state.hasRoom) return false;
        heard.push(readClientMessage(readFrame(frame)));
        return true;
      },
      pause: () => void flow.push('pause'),
      resume: () => void flow.push('resume'),
      close: () => void flow.push('close'),
    },
    query: (question) => {
      if (question.length === 0) throw new Error('of what?');
      return bytes(`about ${text(question)}`);
    },
    leader: () => 'there',
    commandsMax,
    logger: silentLogger,
    soon: (run) => void soon.push(run),
    ended: () => void (state.ended += 1),
  });
  const say = (message: ClientMessage): void =>
    gateway.frame(Uint8Array.from(Buffer.concat(clientFrame(message))));
  const greet = (): void => say({ kind: 'hello', version: 1, group: 'tested' });
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 10; i += 1) await Promise.resolve();
    for (const run of soon.splice(0)) run();
  };
  return { asked, flow, gateway, greet, heard, proposed, say, state, turn };
}

const commands = (firstSequence: number, ...all: string[]): ClientMessage => {
  const session = { slot: 5, offset: 2, firstSequence, acknowledged: firstSequence - 1 };
  const header = { origin: 0, epoch: 0, firstSequence, session };
  return { kind: 'commands', timeoutMs: 50, segment: encodeSegment(header, all.map(bytes)) };
};

/** What the client has heard of results. */
const results = (heard: readonly ClientMessage[]): string[] =>
  heard.flatMap((message) => {
    if (message.kind !== 'results') return [];
    const header = checkSegment(message.segment);
    const all = [...commandsIn(message.segment, header)].map(text).join();
    return [`${header.session?.firstSequence}: ${all}`];
  });

test('whoever wants this group is welcome, and hears where the leader is', () => {
  const { greet, heard } = stage();
  greet();
  expect(heard).toEqual([{ kind: 'welcome', replica: 3, leader: 'there', commandBytesMax: 99 }]);
});

test('whoever wants another group, or speaks another version, is refused', () => {
  for (const other of [{ group: 'other' }, { version: 2 }]) {
    const { flow, heard, say, state } = stage();
    say({ kind: 'hello', version: 1, group: 'tested', ...other });
    expect(heard).toMatchObject([{ kind: 'refused' }]);
    expect([flow, state.ended]).toEqual([['close'], 1]);
  }
});

test('nothing is done for who has not said which group', () => {
  const { proposed, say } = stage();
  expect(() => say(commands(1, 'x'))).toThrow('which group');
  expect(proposed).toEqual([]);
});

test('commands are proposed under their session, and results come many in a frame', async () => {
  const { greet, heard, proposed, say, turn } = stage();
  greet();
  say(commands(7, 'x', 'y', 'z'));
  expect(proposed).toMatchObject([
    { part: { session: '5.2', firstSequence: 7, acknowledged: 6 }, commands: ['x', 'y', 'z'] },
  ]);
  const [first] = proposed;
  first?.results.result(0, bytes('1'));
  first?.results.result(1, bytes('2'));
  expect(results(heard)).toEqual([]);
  await turn();
  expect(results(heard)).toEqual(['7: 1,2']);
  first?.results.error(2, new SessionExpiredError('ended'));
  expect(heard.at(-1)).toMatchObject({
    kind: 'failed',
    sequence: 9,
    problem: { code: 'RSL_SESSION_EXPIRED', outcome: 'unknown' },
  });
});

test('what is not taken in fails, one by one', () => {
  const { greet, heard, say, state } = stage();
  greet();
  state.refuses = new OverloadedError('pendingCommandsMax', 'full');
  say(commands(1, 'x', 'y'));
  expect(heard.slice(1)).toMatchObject([
    { kind: 'failed', sequence: 1, problem: { code: 'RSL_OVERLOADED' } },
    { kind: 'failed', sequence: 2, problem: { code: 'RSL_OVERLOADED' } },
  ]);
});

test('questions are answered, and failures told', async () => {
  const { asked, greet, heard, say, turn } = stage();
  greet();
  const ask = (number: number, question: object, about = ''): void =>
    say({ kind: 'ask', number, timeoutMs: 50, question: question as never, bytes: bytes(about) });
  ask(1, { what: 'query', level: 'linearizable' }, 'x');
  ask(2, { what: 'query', level: 'local' });
  ask(3, { what: 'query', level: 'wrong' }, 'x');
  ask(4, { what: 'open', ttlMs: 4_000 });
  ask(5, { what: 'use', session: '5.2', acknowledged: 9 });
  ask(6, { what: 'close', session: '5.2' });
  ask(7, { what: 'query', level: { atLeast: 9 } }, 'at a slot');
  await turn();
  const levels = ['barrier linearizable', 'barrier local', 'barrier 9'];
  expect(asked.toSorted()).toEqual([...levels, 'open 4000', 'use 5.2 9'].toSorted());
  const answers = new Map(
    heard.flatMap((m) => {
      if (m.kind === 'answer') return [[m.number, `${m.slot} ${m.bytes.length}`]];
      return m.kind === 'denied' ? [[m.number, m.problem.code]] : [];
    }) as [number, string][],
  );
  expect(Object.fromEntries(answers)).toEqual({
    1: '14 7',
    2: 'RSL_QUERY_FAILED',
    3: 'RSL_INVALID_OPTION',
    4: '0 12',
    5: '0 0',
    6: 'RSL_SESSION_EXPIRED',
    7: '14 15',
  });
});

test('it takes in no more than has room, and goes on when there is', async () => {
  const { flow, greet, proposed, say, turn } = stage(2);
  greet();
  say(commands(1, 'x', 'y'));
  expect(flow).toEqual(['pause']);
  proposed[0]?.results.result(0, bytes('1'));
  await turn();
  expect(flow).toEqual(['pause', 'resume']);
});

test('a client that reads nothing is taken nothing in from, and loses no result', async () => {
  const { flow, gateway, greet, heard, proposed, say, state, turn } = stage();
  greet();
  say(commands(1, 'x', 'y'));
  state.hasRoom = false;
  proposed[0]?.results.error(0, new RslError('RSL_CLOSED', 'not-executed', 'no'));
  proposed[0]?.results.result(1, bytes('2'));
  await turn();
  expect([heard.length, flow]).toEqual([1, ['pause']]);
  state.hasRoom = true;
  gateway.drain();
  expect(heard[1]).toMatchObject({ kind: 'failed', sequence: 1 });
  expect(results(heard)).toEqual(['2: 2']);
  expect(flow).toEqual(['pause', 'resume']);
});

test('an answer that fits in no frame is denied, whether it has to wait or not', async () => {
  const { gateway, greet, heard, say, state, turn } = stage();
  greet();
  state.frameBytesMax = 250;
  const question = { what: 'query', level: 'local' } as const;
  const ask = (number: number): void =>
    say({ kind: 'ask', number, timeoutMs: 50, question, bytes: bytes('x'.repeat(200)) });
  ask(1);
  await turn();
  const tooLarge = { kind: 'denied', problem: { code: 'RSL_QUERY_FAILED' } };
  expect(heard.slice(1)).toMatchObject([{ ...tooLarge, number: 1 }]);
  state.hasRoom = false;
  gateway.onLeader('elsewhere');
  ask(2);
  await turn();
  state.hasRoom = true;
  gateway.drain();
  expect(heard.slice(2)).toMatchObject([{ kind: 'leader' }, { ...tooLarge, number: 2 }]);
});

test('once it is over nothing is said', async () => {
  const { gateway, greet, heard, proposed, say, state, turn } = stage();
  greet();
  say(commands(1, 'x'));
  gateway.closed();
  proposed[0]?.results.result(0, bytes('1'));
  gateway.onLeader('elsewhere');
  await turn();
  expect([heard.length, state.ended]).toEqual([1, 1]);
});

test('what only a replica says is refused', () => {
  const { greet, say } = stage();
  greet();
  expect(() => say({ kind: 'leader', address: 'x' })).toThrow('a client says leader');
  const plain = encodeSegment({ origin: 0, epoch: 0, firstSequence: 1 }, [bytes('x')]);
  expect(() => say({ kind: 'commands', timeoutMs: 1, segment: plain })).toThrow('of no session');
});
