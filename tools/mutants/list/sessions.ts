import { inFile, type Mutant } from '../mutant.ts';

const core = 'packages/core';
const session = `${core}/src/sessions/session.test.ts`;
const table = `${core}/src/sessions/sessions.test.ts`;
const model = `${core}/test/properties/sessions.test.ts`;
const slots = `${core}/test/properties/slot-plan.test.ts`;
const cluster = `${core}/test/sessions.test.ts`;
const segments = `${core}/src/codec/segment.test.ts`;

/** One client's sequences. */
const sequences = inFile(
  `${core}/src/sessions/session.ts`,
  [session, model],
  [
    {
      name: 'a sequence of a session executes again',
      rule: 'P9',
      find: "if (state !== isNew) return 'executed';",
      replace: '',
    },
    {
      name: 'whatever lies below the highest executed sequence counts as executed',
      rule: 'P9',
      find: "if (state !== isNew) return 'executed';",
      replace: "return 'executed';",
    },
    {
      name: 'what a client has given up may still execute',
      rule: 'P9',
      find: "if (sequence <= this.acknowledged) return 'gone';",
      replace: '',
    },
    {
      name: 'a session has no window',
      rule: 'bounds',
      find: "return sequence - this.acknowledged <= sessionWindowMax ? 'new' : 'refused';",
      replace: "return 'new';",
    },
    {
      name: 'acknowledged results are kept',
      rule: 'bounds',
      find: 'for (let s = this.acknowledged + 1; s <= last; s += 1) this.#forget(s, isNew);',
      replace: '',
    },
    {
      name: 'a ring that grows forgets what it held',
      rule: 'P9',
      find: 'states[s & (capacity - 1)] = this.#states[this.#at(s)] as number;',
      replace: 'states[s & (capacity - 1)] = isNew;',
    },
    {
      name: 'a forgotten result may execute again',
      rule: 'P9',
      find: '=== isExecuted) this.#forget(s, isGone);',
      replace: '=== isExecuted) this.#forget(s, isNew);',
    },
  ],
);

/** All sessions. */
const sessions = inFile(
  `${core}/src/sessions/sessions.ts`,
  [table, model],
  [
    {
      name: 'there may be any number of sessions',
      rule: 'bounds',
      find: 'if (this.#open.size >= sessionsMax) return undefined;',
      replace: '',
    },
    {
      name: 'use does not keep a session open',
      rule: 'P9',
      find: 'session.usedMs = this.ledMs;',
      replace: '',
    },
    {
      name: 'the results used last are forgotten first',
      rule: 'bounds',
      find: 'if (this.#holding.delete(session.id)) this.#holding.set(session.id, session);',
      replace: '',
    },
    {
      name: 'the results of a session may grow without end',
      rule: 'bounds',
      find: 'if (session.bytes > sessionResultBytesMax) this.#forget(session);',
      replace: '',
    },
    {
      name: 'a caller may write into a result that is kept',
      rule: 'P9',
      find: 'result === undefined ? undefined : copied(result)',
      replace: 'result',
    },
    {
      killers: [`${core}/src/sessions/sessions-bounds.test.ts`],
      name: 'results of all sessions may grow without end',
      rule: 'bounds',
      find: 'while (this.bytes > resultBytesMax) this.#forgetOldest();',
      replace: '',
    },
    {
      name: 'a session ends before its time',
      rule: 'P9',
      find: 'if (next.endMs >= this.ledMs) break;',
      replace: 'if (next.endMs - 1 >= this.ledMs) break;',
    },
    {
      name: 'a session that ends keeps its bytes',
      rule: 'bounds',
      find: 'this.bytes -= session.bytes;',
      replace: '',
    },
  ],
);

/** What becomes of the commands of one slot. */
const plans = inFile(
  `${core}/src/host/slot-plan.ts`,
  [slots, cluster],
  [
    {
      name: 'an unknown session is made by use',
      rule: 'P9',
      find: 'const session = this.#sessions.use(part);',
      replace: 'const session = this.#sessions.use(part) ?? this.#sessions.open(part, 1_000);',
    },
    {
      name: 'what a client has acknowledged is not taken in',
      rule: 'P9',
      find: 'this.#sessions.acknowledge(session, part.acknowledged);',
      replace: '',
    },
    {
      name: 'a sequence that comes twice in one slot executes twice',
      rule: 'P9',
      find: "const isFirst = standing === 'new';",
      replace: "const isFirst = standing === 'new' || !session.resultOf(sequence);",
    },
    {
      name: 'a closed session is not told of',
      rule: 'P9',
      find: 'this.closed.push(session);',
      replace: '',
    },
    {
      name: 'results are not kept',
      rule: 'P9',
      find: 'if (this.#sessions.isOpen(session)) this.#sessions.finish(',
      replace: 'if (!this.#sessions.isOpen(session)) this.#sessions.finish(',
    },
    {
      name: 'the results of a closed session are kept',
      rule: 'bounds',
      find: 'if (this.#sessions.isOpen(session)) this.#sessions.finish(',
      replace: 'this.#sessions.finish(',
    },
    {
      name: 'a repeated command has no answer',
      rule: 'P9',
      find: 'this.#answers[place] = this.#resultOf(under, place);',
      replace: '',
    },
    {
      name: 'a result is kept only where a caller waits for it',
      rule: 'P9',
      find: 'return !this.#isWhole && this.#under[this.placeOf(i)] !== undefined;',
      replace: 'return false;',
    },
    {
      name: 'a session is named by its place among the commands that execute',
      rule: 'P9',
      find: 'this.#sessions.open({ slot: this.slot, offset: place }, word.ttlMs);',
      replace: 'this.#sessions.open({ slot: this.slot, offset: this.count }, word.ttlMs);',
    },
  ],
);

const executions = inFile(
  `${core}/src/host/execution.ts`,
  [slots, cluster],
  [
    {
      name: 'no time passes for sessions',
      rule: 'P9',
      find: 'this.sessions.pass(reader.ledMs);',
      replace: 'this.sessions.pass(0);',
    },
    {
      name: 'the state machine does not hear of sessions that end',
      rule: 'P9',
      find: 'this.#end(this.sessions.expire());',
      replace: 'this.sessions.expire();',
    },
    {
      name: 'sessions never end',
      rule: 'P9',
      find: `    this.#end(this.sessions.expire());
`,
      replace: '',
    },
    {
      name: 'sessions forget the slots that the state has by itself',
      rule: 'P9',
      find: 'this.#plan.finish(false);',
      replace: '',
    },
  ],
);

/** A leader's count of the time in which it could propose. */
const ledTime = inFile(
  `${core}/src/host/commands.ts`,
  [`${core}/test/host/commands.test.ts`],
  [
    {
      name: 'time in which nothing can be proposed ends sessions',
      rule: 'P9, S5',
      find: 'if (canPropose) this.#ledMs +=',
      replace: 'if (nowMs > 0) this.#ledMs +=',
    },
    {
      name: 'a stall of the leader ends sessions',
      rule: 'P9',
      find: 'Math.min(ledStepMsMax, nowMs - this.#tickMs)',
      replace: 'nowMs - this.#tickMs',
    },
    {
      name: 'time before a ballot ends sessions',
      rule: 'P9',
      find: 'const ledMs = isFirst ? 0 : Math.floor(this.#ledMs);',
      replace: 'const ledMs = Math.floor(this.#ledMs);',
    },
    {
      name: 'led time is counted twice',
      rule: 'P9',
      find: 'this.#ledMs = isFirst ? 0 : this.#ledMs - ledMs;',
      replace: '',
    },
    {
      name: 'nobody brings the time at which a session ends',
      rule: 'P9',
      find: 'if (endsInMs !== undefined && Math.floor(this.#ledMs) >= endsInMs) return true;',
      replace: '',
    },
  ],
);

/** Where commands of sessions come from. */
const callers = inFile(
  `${core}/src/host/own-session.ts`,
  [`${core}/src/host/own-session.test.ts`, cluster],
  [
    {
      name: 'an idle session is not used',
      rule: 'P9',
      find: 'if (this.#clock.nowMs() - this.#usedMs < this.#ttlMs / 3) return;',
      replace: 'if (this.#usedMs > 0) return;',
    },
    {
      name: 'a session acknowledges what waits',
      rule: 'P9',
      find: 'while (this.#done.delete(this.#under.acknowledged + 1))',
      replace: 'while (this.#under.acknowledged < number)',
    },
    {
      name: 'a session that has ended does not say so',
      rule: 'P9',
      find: 'if (isExpired(error)) this.end(error as RslError);',
      replace: '',
    },
    {
      name: 'a session may have any number of commands that wait',
      rule: 'bounds',
      find: 'if (first + count - 1 - this.#under.acknowledged > sessionWindowMax) {',
      replace: 'if (first < 0) {',
    },
  ],
);

const pending = inFile(
  `${core}/src/host/proposals.ts`,
  [`${core}/src/host/proposals-sessions.test.ts`],
  [
    {
      name: 'commands of two sessions share a segment',
      rule: 'P9',
      find: 'if (under !== this.#ring.under[first]) return false;',
      replace: '',
    },
    {
      name: 'a segment skips sequences of its session',
      rule: 'P9',
      find: 'if (under === undefined || under === control) return true;',
      replace: 'if (from > 0) return true;',
    },
  ],
);

const layout = inFile(
  `${core}/src/codec/segment.ts`,
  [segments],
  [
    {
      name: 'a session without a first sequence is read',
      rule: 'P12',
      find: 'if (firstSequence === 0 || ',
      replace: 'if (',
    },
    {
      name: 'a segment of no known kind is read',
      rule: 'P12',
      find: "if (kind === undefined) throw new FrameError('a segment of no known kind');",
      replace: '',
    },
  ],
);

export const sessionMutants: readonly Mutant[] = [
  ...sequences,
  ...sessions,
  ...plans,
  ...executions,
  ...ledTime,
  ...callers,
  ...pending,
  ...layout,
];
