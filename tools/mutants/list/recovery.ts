import { inFile, type Mutant } from '../mutant.ts';

const recovery = 'packages/core/src/host/recovery.test.ts';
const remembering = 'packages/core/test/host/remembering.test.ts';

/** What a start takes from the log. */
export const recoveryMutants: readonly Mutant[] = inFile(
  'packages/core/src/host/recovery.ts',
  [recovery, remembering],
  [
    {
      name: 'a damaged vote forgets its promise',
      rule: 'P1, S3',
      find: '[...info.damaged.values()].reduce(higherBallot, seen.promised);',
      replace: 'seen.promised;',
    },
    {
      name: 'a vote in the log raises no promise',
      rule: 'P1',
      find: 'this.promised = higherBallot(this.promised, ballot);',
      replace: '',
    },
    {
      name: 'the last promise in the log wins, not the highest',
      rule: 'P1',
      find: 'this.promised = higherBallot(this.promised, record.ballot);',
      replace: 'this.promised = record.ballot;',
    },
    {
      name: 'a recovered value is not owned',
      rule: 'P12',
      find: 'this.votes.set(slot, { ballot, value: owned(value) });',
      replace: 'this.votes.set(slot, { ballot, value });',
    },
    {
      name: 'decided-through goes back',
      rule: 'P11',
      find: 'this.decidedThrough = Math.max(this.decidedThrough, slot);',
      replace: 'this.decidedThrough = slot;',
    },
    {
      name: 'what was truncated is not known to be decided',
      rule: 'P11',
      find: 'seen.decideThrough(firstSlot - 1);',
      replace: '',
    },
    {
      name: 'a state that is older than the log is taken',
      rule: 'P7',
      find: 'if (reflected < firstSlot - 1) throw',
      replace: 'if (reflected < 0) throw',
    },
    {
      name: 'a decided value that cannot be read is passed over',
      rule: 'S3',
      find: 'Math.min(decidedThrough + 1, ...lost.keys())',
      replace: 'decidedThrough + 1',
    },
    {
      name: 'an older configuration replaces a newer one',
      rule: 'R2',
      find: 'return a === undefined || b.number > a.number ? b : a;',
      replace: 'return b;',
    },
  ],
);
