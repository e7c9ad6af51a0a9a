import { inFile, type Mutant } from '../mutant.ts';

const core = 'packages/core';
const courierTest = `${core}/src/client/courier.test.ts`;
const elsewhereTest = `${core}/src/client/courier-elsewhere.test.ts`;
const gatewayTest = `${core}/src/client/gateway-connection.test.ts`;
const linkTest = `${core}/src/client/link.test.ts`;
const queueTest = `${core}/src/client/result-queue.test.ts`;

const couriers = inFile(
  `${core}/src/client/courier.ts`,
  [courierTest],
  [
    {
      name: 'a client sends nothing again on another connection',
      rule: 'P9',
      find: 'this.#proposals.resendBelow(this.#connection);',
      replace: '',
    },
    {
      name: 'a client sends again as if nothing had been executed',
      rule: 'P9',
      find: 'this.#proposals.resendBelow(this.#connection);',
      replace: 'this.#proposals.requeueBelow(this.#connection);',
    },
    {
      name: 'a client acknowledges what it has no results of',
      rule: 'P9',
      find: 'this.#under.acknowledged = this.#proposals.doneThrough;',
      replace: 'this.#under.acknowledged = this.#proposals.next - 1;',
    },
    {
      name: 'questions are not asked again on another connection',
      rule: 'L6',
      find: 'this.#questions.again();',
      replace: '',
    },
    {
      name: 'an idle client does not keep its session',
      rule: 'P9',
      find: 'nowMs - this.#usedMs >= this.#options.ttlMs / 3) this.#use();',
      replace: 'nowMs < 0) this.#use();',
    },
    {
      name: 'what a replica could not do is not tried again',
      rule: 'P9, L6',
      find: 'if (!passing.has(error.code)) {',
      replace: 'if (error.code !== undefined) {',
    },
    {
      name: 'a client does not go to the leader',
      rule: 'L6',
      find: 'return this.#link.onHint(message.address);',
      replace: 'return;',
    },
    {
      name: 'an answer to what was not sent is believed',
      rule: 'P9',
      find: 'if (this.#proposals.isUnsent(sequence)) throw',
      replace: 'if (sequence < 0) throw',
    },
    {
      name: 'a client outlives its session without a word',
      rule: 'P9',
      find: 'this.#proposals.giveUpSent(error);',
      replace: '',
    },
  ],
);

const waits = inFile(
  `${core}/src/client/patience.ts`,
  [elsewhereTest],
  [
    {
      name: 'a client waits for ever for a replica that is silent',
      rule: 'L6',
      find: 'if (nowMs - this.#sinceMs < this.#waitMs) return false;',
      replace: 'if (nowMs > 0) return false;',
    },
    {
      name: 'a client leaves a replica that owes it nothing',
      rule: 'L6',
      find: 'isOwed ? Math.min(this.#sinceMs, nowMs) : Infinity;',
      replace: 'Math.min(this.#sinceMs, nowMs);',
    },
    {
      name: 'a client leaves silent replicas as soon each time',
      rule: 'L6',
      find: 'this.#waitMs = Math.min(this.#timings.answerMsMax, 2 * this.#waitMs);',
      replace: '',
    },
  ],
);

const rests = inFile(
  `${core}/src/client/rests.ts`,
  [linkTest, `${core}/src/client/rests.test.ts`],
  [
    {
      name: 'an address that was never reached rests no longer each time',
      rule: 'L6',
      find: 'Math.min(restMsMax, 2 * last);',
      replace: 'restMsMin;',
    },
    {
      name: 'a long stay does not count',
      rule: 'L6',
      find: 'last === undefined || stayedMs > longStay * last;',
      replace: 'last === undefined;',
    },
    {
      name: 'any stay is a long one',
      rule: 'L6',
      find: 'stayedMs > longStay * last;',
      replace: 'stayedMs > last;',
    },
    {
      name: 'addresses that were left are remembered without a bound',
      rule: 'bounds',
      find: 'if (this.#left.size > addressesMax) this.#left.delete(oldest);',
      replace: '',
    },
  ],
);

const tooLarge = [
  ...inFile(
    `${core}/src/client/courier.ts`,
    [elsewhereTest],
    [
      {
        name: 'a client does not know what its replica takes',
        rule: 'bounds',
        find: 'Math.min(this.#options.limits.commandBytesMax, commandBytesMax);',
        replace: 'this.#options.limits.commandBytesMax + 0 * commandBytesMax;',
      },
      {
        name: 'a command that was sent before is said not to be executed',
        rule: 'P9',
        find: 'if (this.#connections > 1) return new OutcomeUnknownError(why);',
        replace: '',
      },
      {
        name: 'a command that fits in no frame ends the process',
        rule: 'bounds',
        find: 'if (!(error instanceof RangeError)) throw error;',
        replace: 'throw error;',
      },
    ],
  ),
  ...inFile(
    `${core}/src/client/questions.ts`,
    [elsewhereTest],
    [
      {
        name: 'a question that fits in no frame ends the process',
        rule: 'bounds',
        find: 'if (!(error instanceof RangeError)) throw error;',
        replace: 'throw error;',
      },
    ],
  ),
];

const links = inFile(
  `${core}/src/client/link.ts`,
  [linkTest],
  [
    {
      name: 'a client waits for a welcome for ever',
      rule: 'L6',
      find: '} else if (nowMs >= this.#giveUpMs) {',
      replace: '} else if (nowMs < 0) {',
    },
    {
      name: 'a client tries one address only',
      rule: 'L6',
      find: "if (this.#hint === '') this.#next = (this.#next + 1) % addresses.length;",
      replace: '',
    },
    {
      name: 'a client dials without a pause',
      rule: 'L6',
      find: 'this.#dueMs = nowMs + Math.ceil(waitMs / 2) +',
      replace: 'this.#dueMs = nowMs + 0 *',
    },
    {
      name: 'a client goes to and fro between two leaders',
      rule: 'L6',
      find: ' || !this.#rests.isOver(leader, nowMs)) return;',
      replace: ') return;',
    },
    {
      name: 'a client sends commands before it is welcome',
      rule: 'P9',
      find: 'return this.#isUp && (this.#connection?.send(parts) ?? false);',
      replace: 'return this.#connection?.send(parts) ?? false;',
    },
    {
      name: 'an old connection is still heard',
      rule: 'P9',
      find: 'if (!isOver && this.#connection === connection) run();',
      replace: 'run();',
    },
  ],
);

const gateways = inFile(
  `${core}/src/client/gateway-connection.ts`,
  [gatewayTest],
  [
    {
      name: 'a client of another group is let in',
      rule: 'S8',
      find: 'if (group !== ours || version !== clientProtocolVersion) {',
      replace: 'if (version !== clientProtocolVersion) {',
    },
    {
      name: 'a query does not wait for its level',
      rule: 'Q1',
      find: 'await replica.barrier(levelOf(level), options);',
      replace: "await replica.barrier('local', options);",
    },
    {
      name: 'a client may have any number of commands in a replica',
      rule: 'bounds',
      find: 'const isFull = this.#waiting >= commandsMax || this.#left.length > 0;',
      replace: 'const isFull = this.#left.length > 0;',
    },
    {
      name: 'a client that reads nothing is taken more in from',
      rule: 'bounds',
      find: 'const isFull = this.#waiting >= commandsMax || this.#left.length > 0;',
      replace: 'const isFull = this.#waiting >= commandsMax;',
    },
    {
      name: 'a client is not told what failed',
      rule: 'P9',
      find: "this.#say({ kind: 'failed', slot, offset, sequence, problem: problemOf(error) });",
      replace: 'problemOf(error);',
    },
  ],
);

const largeAnswers = inFile(
  `${core}/src/client/gateway-connection.ts`,
  [gatewayTest],
  [
    {
      name: 'an answer that fits in no frame ends the replica',
      rule: 'bounds',
      find: "if (!(error instanceof RangeError) || message.kind !== 'answer') throw error;",
      replace: 'if (message.kind !== undefined) throw error;',
    },
  ],
);

const queues = inFile(
  `${core}/src/client/result-queue.ts`,
  [queueTest],
  [
    {
      name: 'results that found no room are lost',
      rule: 'P9',
      find: 'this.#runs.splice(0, sent);',
      replace: 'this.#runs = [];',
    },
    {
      name: 'results of two sessions share a frame',
      rule: 'P9',
      find: 'last.slot === slot &&',
      replace: '',
    },
    {
      name: 'a frame of results has no bound',
      rule: 'bounds',
      find: ` &&
      last.bytes + result.length <= frameResultBytesMax;`,
      replace: ';',
    },
  ],
);

export const clientMutants: readonly Mutant[] = [
  ...couriers,
  ...waits,
  ...rests,
  ...tooLarge,
  ...links,
  ...gateways,
  ...largeAnswers,
  ...queues,
];
