import { inFile, type Mutant } from '../mutant.ts';

const forward = 'packages/log-file/test/shared/copy-forward.test.ts';
const copying = 'packages/log-file/test/shared/copying.test.ts';
const crash = 'packages/log-file/test/shared/crash.test.ts';
const groups = 'packages/log-file/test/shared/groups.test.ts';
const history = 'packages/log-file/test/shared/history.test.ts';
const state = 'packages/log-file/test/shared/state.test.ts';

export const logSharingMutants: readonly Mutant[] = [
  ...inFile(
    'packages/log-file/src/shared/shared-state.ts',
    [copying, state],
    [
      {
        name: 'a segment leaves in which another group has votes',
        rule: 'P11',
        find: 'if (this.live.in(sequence) > 0 || this.withLost.has(sequence)) return sequence;',
        replace: 'if (this.withLost.has(sequence)) return sequence;',
      },
      {
        name: 'a segment leaves with what is known to be lost',
        rule: 'S3',
        find: ' || this.withLost.has(sequence)) return sequence;',
        replace: ') return sequence;',
      },
      {
        name: 'segments are carried on without the groups’ first slots',
        rule: 'P11',
        find: 'const owner of this.owners.values()) {\n      records.push(',
        replace: `const owner of this.owners.values()) {
      if (owner.firstSlot > 1) continue;
      records.push(`,
        killers: [copying, crash],
      },
      {
        name: 'a record of no known group is passed over',
        rule: 'S6',
        find: 'if (owner === undefined) return false;',
        replace: 'if (owner === undefined) return true;',
        killers: [state],
      },
      {
        name: 'a position counts what others have appended',
        rule: 'S2a',
        find: 'owner.takeAppend({ segment: segment.sequence,',
        replace: `for (const each of this.owners.values()) each.position = header.number;
      owner.takeAppend({ segment: segment.sequence,`,
        killers: [groups],
      },
    ],
  ),
  ...inFile(
    'packages/log-file/src/shared/owner.ts',
    [copying, history],
    [
      {
        name: 'a renewed group keeps its old votes',
        rule: 'S2',
        find: 'this.index.dropVotesAbove(this.formerThrough, (value) => this.#left(value));',
        replace: '',
      },
      {
        name: 'a renewed group keeps its old promise',
        rule: 'S2',
        find: 'this.kept.forgetPromise();',
        replace: '',
      },
      {
        name: 'votes of a former life that are copied promise again',
        rule: 'S2',
        find: 'if (!copied) this.kept.raisePromise(ballot);',
        replace: 'this.kept.raisePromise(ballot);',
      },
      {
        name: 'a vote takes the place of a decided value in a shared log',
        rule: 'P11',
        find: 'before.ballot === undefined && ballot !== undefined) return;',
        replace: 'before.ballot === undefined && this.number < 0) return;',
        killers: [history, state],
      },
    ],
  ),
  ...inFile(
    'packages/log-file/src/shared/copy-forward.ts',
    [forward, copying],
    [
      {
        name: 'what is lost is forgotten with its segment',
        rule: 'S3',
        find: 'if (!owner.isDamaged(slot)) return;',
        replace: 'return;',
      },
      {
        name: 'a copy overtakes a newer vote that is under way',
        rule: 'P11',
        find: 'if (owner.isPending(slot) || owner.renewing) {',
        replace: 'if (owner.renewing) {',
      },
      {
        name: 'a copy brings a former life into the next',
        rule: 'S2',
        find: 'if (owner.isPending(slot) || owner.renewing) {',
        replace: 'if (owner.isPending(slot)) {',
      },
      {
        name: 'an idle group keeps the whole log',
        rule: 'S5',
        find: 'if (voidBytes > Math.max(voidSegmentsMax * segmentBytes, live.bytes)) return true;',
        replace: '',
      },
      {
        name: 'a full log copies nothing',
        rule: 'S5',
        find: 'return voidBytes >= segmentBytes && isShort();',
        replace: 'return false;',
      },
    ],
  ),
  ...inFile(
    'packages/log-file/src/shared/shared-medium.ts',
    [groups, copying],
    [
      {
        name: 'appends take the room that copying needs',
        rule: 'S5',
        find: 'if (freeBytes - bytes >= segmentBytes) return undefined;',
        replace: 'if (freeBytes - bytes >= 0) return undefined;',
      },
      {
        name: 'the log of one group is open twice',
        rule: 'S7',
        find: 'if (this.#taken.has(group)) throw',
        replace: 'if (this.#taken.size < 0) throw',
      },
      {
        name: 'the log of another replica is taken',
        rule: 'S8',
        find: 'if (known.replica !== self) throw',
        replace: 'if (known.replica < 0) throw',
      },
      {
        name: 'copied files are told once, and to one group',
        rule: 'S2a',
        find: 'await this.#say(\n      owners.map(',
        replace: 'await this.#say(\n      owners.slice(0, 1).map(',
      },
    ],
  ),
  ...inFile(
    'packages/log-file/src/shared/group-log.ts',
    [groups],
    [
      {
        name: 'what is behind a refused append is stored',
        rule: 'P2',
        find: `if (records.length > 0) this.#refusal ??= this.#medium.refusal(group.bytes);
    const refusal = this.#refusal;`,
        replace: 'const refusal = this.#medium.refusal(group.bytes);',
      },
      {
        name: 'a lost value of a shared log is answered with an older vote',
        rule: 'S3',
        find: 'if (lost.isDamaged(slot)) {',
        replace: 'if (slot < 0) {',
        killers: [copying],
      },
      {
        name: 'a truncation is forgotten when its group is closed',
        rule: 'P11',
        find: 'if (slot > owner.firstSlot) {',
        replace: 'if (slot < 0) {',
      },
    ],
  ),
];
