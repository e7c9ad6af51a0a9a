import { inFile, type Mutant } from '../mutant.ts';

const units = ['packages/core/src/host/leading.test.ts', 'packages/core/test/leadership.test.ts'];
const story = 'packages/core/test/leadership.test.ts';
const events = 'packages/core/src/events.test.ts';
const skipped = 'packages/core/test/host/skipping.test.ts';
const typed = 'packages/core/test/typed.test.ts';

/** What those are told who act outside of the group. */
const leading = inFile('packages/core/src/host/leading.ts', units, [
  {
    name: 'a fence that is as long as its numbers',
    rule: 'P2',
    find: "value.toString(16).padStart(digits, '0');",
    replace: "value.toString(16).padStart(Math.min(1, digits), '0');",
  },
  {
    name: 'a fence that goes back with the proposer',
    rule: 'P2, R6',
    find: '`${hex(configuration, 8)}${hex(round, 8)}${hex(proposer, 4)}`',
    replace: '`${hex(proposer, 4)}${hex(configuration, 8)}${hex(round, 8)}`',
  },
  {
    name: 'the signal of a leadership never fires',
    rule: 'L2',
    find: 'end?.abort();',
    replace: '',
  },
]);

const effects = inFile(
  'packages/core/src/host/effects.ts',
  [story],
  [
    {
      name: 'who follows does not tell those who act for it',
      rule: 'L2',
      find: `leading.end();
        metrics.notLeading();`,
      replace: 'metrics.notLeading();',
    },
  ],
);

const host = inFile(
  'packages/core/src/host/host.ts',
  [story],
  [
    {
      name: 'who ends does not tell those who act for it',
      rule: 'L2',
      find: `this.#application.leading.end();
    this.#application.close`,
      replace: 'this.#application.close',
    },
    {
      name: 'an older copy leads on for those who act for it',
      rule: 'S2a, L2',
      find: `this.#protocol = undefined;
    this.#application.leading.end();`,
      replace: 'this.#protocol = undefined;',
      killers: ['packages/core/src/host/host.test.ts'],
    },
  ],
);

const told = inFile(
  'packages/core/src/events.ts',
  [events],
  [
    {
      name: 'something happens after the end',
      rule: 'L2',
      find: "if (event === 'stopped') this.#isOver = true;",
      replace: '',
    },
    {
      name: 'a listener that throws keeps the others from hearing',
      rule: 'L2',
      find: `} catch (error) {
      threw(error);
    }`,
      replace: `} catch (error) {
      threw(error);
      throw error;
    }`,
    },
  ],
);

/** What a state machine does not see, or is to blame for. */
const machines = [
  ...inFile(
    'packages/core/src/host/execution.ts',
    [skipped],
    [
      {
        name: 'a slot that is to be skipped executes',
        rule: 'P7',
        find: 'if (!isReflected && !isSkipped) return',
        replace: 'if (!isReflected) return',
      },
      {
        name: 'whoever waits for a skipped command hears nothing',
        rule: 'P7',
        find: 'this.#deliveries.deliver(isSkipped ? new SlotSkippedError(slot) : undefined);',
        replace: 'this.#deliveries.deliver();',
      },
      {
        name: 'a skipped slot brings no time and no ballot',
        rule: 'P7, P9, P10',
        find: "isTaken = kindOf(value) === 'batch' && this.#open(value);",
        replace: "isTaken = kindOf(value) === 'batch' && !isSkipped && this.#open(value);",
      },
    ],
  ),
  ...inFile(
    'packages/core/src/typed.ts',
    [typed],
    [
      {
        name: 'whatever a typed machine throws is a result',
        rule: 'P7',
        find: 'if (!(error instanceof ApplicationError)) throw error;',
        replace: 'if (!(error instanceof Error)) throw error;',
      },
      {
        name: 'an ApplicationError is taken for a value',
        rule: 'P7',
        find: 'const errorMark = 1;',
        replace: 'const errorMark = 0;',
      },
      {
        name: 'a slot with a fault in it is ended',
        rule: 'P7',
        find: 'if (!(error instanceof ApplicationError)) throw error;',
        replace: `if (!(error instanceof ApplicationError)) {
        machine.endSlot?.({ slot, timeMs, live });
        throw error;
      }`,
      },
      {
        name: 'a state on a disk of its own begins at its first slot again',
        rule: 'P7, P9',
        find: '...(open === undefined ? {} : { open: async () => await open() }),',
        replace: '',
      },
    ],
  ),
];

export const leadershipMutants: readonly Mutant[] = [
  ...leading,
  ...effects,
  ...host,
  ...told,
  ...machines,
];
