import { inFile, type Mutant } from '../mutant.ts';

const properties = 'packages/core/test/properties/ring.test.ts';
const beside = 'packages/core/test/engine/beside.test.ts';

/** Records between two threads. */
const ring = inFile(
  'packages/core/src/engine/ring.ts',
  ['packages/core/src/engine/ring.test.ts', properties],
  [
    {
      name: 'a record is written over one that was not read',
      rule: 'P7',
      find: 'if (this.used + skipped + needed > this.capacity) return false;',
      replace: 'if (needed > this.capacity) return false;',
    },
    {
      name: 'a record is seen before it is whole',
      rule: 'P7',
      find: 'else if (this.#pieces.length > 0) {',
      replace: 'else if (this.#pieces.length > 1e9) {',
    },
    {
      name: 'a record overtakes what is left of a large one',
      rule: 'P7',
      find: 'if (!this.flush()) return false;',
      replace: '',
    },
    {
      name: 'who falls asleep does not look once more',
      rule: 'P7',
      find: 'if (this.headNow() === Atomics.load(this.control, word.tail)) return true;',
      replace: 'return true;',
    },
    {
      name: 'who sleeps is not woken',
      rule: 'P7',
      find: 'if (Atomics.exchange(this.control, word.asleep, 0) === 1) this.#wake();',
      replace: '',
    },
  ],
);

/** Slots on their way to the application. */
const feed = inFile(
  'packages/core/src/engine/slot-feed.ts',
  ['packages/core/src/engine/slot-feed.test.ts'],
  [
    {
      name: 'a slot that did not fit is left out',
      rule: 'P7',
      find: 'const isNext = this.#sentThrough === this.#releasedThrough && !this.#reading;',
      replace: 'const isNext = true;',
    },
    {
      name: 'slots are read from the log before they are durable',
      rule: 'P7',
      find: 'this.#options.whenDurable(() => this.#read(from, through, jumps));',
      replace: 'this.#read(from, through, jumps);',
    },
    {
      name: 'what does not fit is read again and again',
      rule: 'L1',
      find: 'if (stored.every(({ slot, value }) => this.#send(slot, value))) this.goOn();',
      replace: `for (const { slot, value } of stored) if (!this.#send(slot, value)) break;
        if (this.reads < 100) this.goOn();`,
    },
    {
      name: 'a replayed slot counts as live',
      rule: 'P7',
      find: 'const live = slot > this.#replayThrough;',
      replace: 'const live = true;',
    },
  ],
);

/** Commands on their way to the leader. */
const commands: readonly Mutant[] = [
  ...inFile(
    'packages/core/src/engine/staged.ts',
    ['packages/core/src/engine/staged.test.ts'],
    [
      {
        name: 'commands taken for one leader go to the next',
        rule: 'P9',
        find: 'this.#keep((segment) => sameBallot(segment.ballot, ballot));',
        replace: '',
      },
      {
        name: 'room for commands is never given back',
        rule: 'S5',
        find: 'Atomics.add(this.#done, 0, bytes);',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/engine/command-feed.ts',
    ['packages/core/src/engine/command-feed.test.ts'],
    [
      {
        name: 'the engine is given more commands than it may hold',
        rule: 'S5',
        find: 'commands.queuedCount > 0 && credit.left > 0',
        replace: 'commands.queuedCount > 0',
      },
      {
        name: 'commands that were taken are lost when there is no room',
        rule: 'P9',
        find: 'if (!this.#options.ring.offer(segmentRecord, next)) return false;',
        replace: 'this.#options.ring.offer(segmentRecord, next);',
      },
      {
        name: 'what never executes is not sent again',
        rule: 'P9',
        find: 'commands.requeueBelow(progress.sealedIn);',
        replace: '',
      },
      {
        name: 'the rest of a large command stays behind',
        rule: 'P9',
        find: 'if (ring.flush() && this.#tellProgress()',
        replace: 'if (this.#tellProgress()',
      },
      {
        name: 'the engine is not told what was executed',
        rule: 'Q1',
        find: 'if (executedThrough === this.#toldThrough) return true;',
        replace: 'if (executedThrough >= 0) return true;',
      },
    ],
  ),
];

/** What the threads tell each other. */
const words: readonly Mutant[] = [
  ...inFile(
    'packages/core/src/engine/board.ts',
    ['packages/core/src/engine/board.test.ts'],
    [
      {
        name: 'a half-written outlook is believed',
        rule: 'P9',
        find: "if (version % 2 !== 0 || version !== this.load('version')) continue;",
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/engine/happenings.ts',
    ['packages/core/src/engine/happenings.test.ts'],
    [
      {
        name: 'a leadership that ended is forgotten to end',
        rule: 'L2',
        find: 'return at >= ended;',
        replace: 'return at > ended;',
      },
      {
        name: 'what happens while nobody listens is kept for ever',
        rule: 'S5',
        find: 'this.#waiting = shortened(this.#waiting);',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/engine/engine-side.ts',
    [beside],
    [
      {
        name: 'an engine takes part before the log is replayed',
        rule: 'P7',
        find: 'if (executedThrough >= this.#replayThrough) this.#run(',
        replace: 'if (executedThrough >= 0) this.#run(',
      },
      {
        name: 'an engine takes part before its application takes slots',
        rule: 'P7',
        find: 'this.#hasBegun && opened !== undefined',
        replace: 'opened !== undefined',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/engine/remote-engine.ts',
    ['packages/core/src/engine/remote-engine.test.ts'],
    [
      {
        name: 'an engine goes on without its application',
        rule: 'P7',
        find: "this.#options.order({ kind: 'close' });",
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/engine/engine-link.ts',
    ['packages/core/src/engine/engine-link.test.ts'],
    [
      {
        name: 'a thread that ends is not noticed',
        rule: 'S4',
        find: "this.died(new Error('its thread has ended'));",
        replace: '',
      },
    ],
  ),
];

export const engineMutants: readonly Mutant[] = [...ring, ...feed, ...commands, ...words];
