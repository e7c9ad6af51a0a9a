import { inFile, type Mutant } from '../mutant.ts';

const keeper = 'packages/snapshot/src/keeper';
const whole = 'packages/snapshot/test/diverged.test.ts';
const policy = 'packages/snapshot/src/keeper/save-policy.test.ts';
const wishes = 'packages/snapshot/test/keeper-wishes.test.ts';

const judging = inFile(
  'packages/snapshot/src/layer/comparing.ts',
  ['packages/snapshot/test/layer/comparing.test.ts'],
  [
    {
      name: 'whoever differs from anybody has diverged',
      rule: 'P7',
      find: "if (quorum.includes(new Set(ids))) return 'here';",
      replace: "if (ids.length > 0) return 'here';",
    },
    {
      name: 'a quorum that differs in itself is one',
      rule: 'P7',
      find: 'differing.filter(([, one]) => one === digest)',
      replace: 'differing.filter(([, one]) => one !== digest || one === digest)',
    },
    {
      name: 'whoever is of the quorum has diverged',
      rule: 'P7',
      find: "if (quorum.includes(agreeing)) return 'elsewhere';",
      replace: "if (quorum.includes(agreeing)) return 'here';",
    },
    {
      name: 'states of other layouts are compared',
      rule: 'P7',
      find: 'if (other?.layout !== own.layout) continue;',
      replace: 'if (other === undefined) continue;',
    },
    {
      name: 'the same difference is told again and again',
      rule: 'L6',
      find: 'if (this.#told.get(slot) === verdict) return;',
      replace: '',
    },
    {
      name: 'whoever was away never hears of a digest',
      rule: 'P7',
      find: "      out.say(peer, { kind: 'digest', ...own });\n    }\n  }\n\n  #remember",
      replace: '    }\n  }\n\n  #remember',
    },
    {
      name: 'digests of any number of slots are remembered',
      rule: 'S5',
      find: '[...others, said].slice(-digestsMax)',
      replace: '[...others, said]',
    },
  ],
);

const keeping: readonly Mutant[] = [
  {
    name: 'members save at different slots only',
    rule: 'P7',
    file: `${keeper}/save-policy.ts`,
    killers: [policy],
    find: 'this.#isAtCommon = this.isCommon(slot);',
    replace: '',
  },
  {
    name: 'what should be compared is saved a slot too late',
    rule: 'P7',
    file: `${keeper}/save-policy.ts`,
    killers: [policy],
    find: 'this.#isAtCommon = this.isCommon(slot);',
    replace: 'this.#isAtCommon ||= this.isCommon(slot);',
  },
  {
    name: 'a copy is said to be what was executed here',
    rule: 'P7',
    file: `${keeper}/saver.ts`,
    killers: [wishes],
    find: 'if (existing === undefined) {',
    replace: 'if (meta !== undefined) {',
  },
  {
    name: 'a diverged replica goes on',
    rule: 'P7',
    file: `${keeper}/keeper.ts`,
    killers: [whole],
    find: 'if (!stops) return;',
    replace: 'if (kept !== undefined) return;',
  },
  {
    name: 'a diverged replica keeps its snapshots',
    rule: 'P7',
    file: `${keeper}/keeper.ts`,
    killers: [whole],
    find: 'for (const meta of kept.metas) await kept.condemn(meta, error);',
    replace: '',
  },
  {
    name: 'a replica that is to warn stops',
    rule: 'P7',
    file: `${keeper}/keeper.ts`,
    killers: [whole],
    find: "verdict === 'here' && this.#options.onDiverged === 'stop'",
    replace: "verdict === 'here'",
  },
];

/** Members compare what they have made of the same slots. */
export const comparingMutants: readonly Mutant[] = [...judging, ...keeping];
