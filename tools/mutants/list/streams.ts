import { inFile, type Mutant } from '../mutant.ts';

const host = 'packages/core/src/host';
const units = `${host}/executed-slots.test.ts`;
const histories = 'packages/core/test/properties/executed-stream.test.ts';
const sessions = 'packages/core/test/properties/slot-plan.test.ts';
const cluster = 'packages/core/test/executed-stream.test.ts';

/** What those are told who follow a group from outside. */
const kept = inFile(
  `${host}/execution.ts`,
  [histories],
  [
    {
      name: 'a stream tells of commands that are void or skipped',
      rule: 'P9',
      find: 'this.#keep(slot, isTaken && !isSkipped ? value : undefined);',
      replace: "this.#keep(slot, kindOf(value) === 'batch' ? value : undefined);",
    },
    {
      name: 'a stream tells of repeated commands, and of words about sessions',
      rule: 'P9',
      find: ': { value: batch, places: plan.places };',
      replace: ': { value: batch, places: undefined };',
      killers: [sessions],
    },
  ],
);

const slots = inFile(
  `${host}/executed-slots.ts`,
  [units, histories],
  [
    {
      name: 'a stream passes over what is not kept any more',
      rule: 'P7',
      find: 'if (slot < this.#first) throw new StreamBehindError(slot, this.#first);',
      replace: 'if (slot < this.#first) return this.#slots.get(this.#first);',
    },
    {
      name: 'what is kept for streams grows without a bound',
      rule: 'L6',
      find: 'while (this.#bytes > this.#limits.streamBytesMax &&',
      replace: 'while (this.#bytes > Infinity &&',
    },
    {
      name: 'the newest slot is forgotten if it is large',
      rule: 'P7',
      find: 'this.#first < this.#next - 1) {',
      replace: 'this.#first < this.#next) {',
    },
    {
      name: 'slots without commands take no room',
      rule: 'L6',
      find: 'slotBytes + (value?.bytes.length ?? 0)',
      replace: '(value?.bytes.length ?? 0)',
    },
    {
      name: 'a stream waits for ever for a replica that has ended',
      rule: 'L6',
      find: `    this.begin(this.#next - 1);
    this.#wake();`,
      replace: '    this.begin(this.#next - 1);',
    },
    {
      name: 'the end of a replica is not the end of its streams',
      rule: 'L6',
      find: 'if (this.#closed !== undefined) throw this.#closed;',
      replace: '',
    },
  ],
);

const streams = inFile(
  `${host}/executed-stream.ts`,
  [cluster],
  [
    {
      name: 'a replica has no turn while a stream is read',
      rule: 'L1',
      find: 'bytes >= turnBytesMax',
      replace: 'bytes >= Infinity',
    },
    {
      name: 'a stream gives a slot twice',
      rule: 'P7',
      find: '      next += 1;\n',
      replace: '',
      killers: [histories],
    },
    {
      name: 'a signal does not end a stream',
      rule: 'L6',
      find: 'if (signal?.aborted) throw new AbortedError(signal.reason);',
      replace: '',
      killers: [units],
    },
  ],
);

const queries = inFile(
  'packages/core/src/client/gateway-connection.ts',
  ['packages/core/src/client/gateway-connection.test.ts'],
  [
    {
      name: 'an answer says an older slot than its state reflects',
      rule: 'Q3',
      find: `    await replica.barrier(levelOf(level), options);
    try {`,
      replace: `    const slot = await replica.barrier(levelOf(level), options);
    if (slot > 0) return { slot, bytes: query(question) };
    try {`,
    },
  ],
);

export const streamMutants: readonly Mutant[] = [...kept, ...slots, ...streams, ...queries];
