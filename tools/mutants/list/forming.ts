import { inFile, type Mutant } from '../mutant.ts';

const stories = 'packages/core/test/host/forming.test.ts';

/** How a group begins (S10), and how much room its members need (S5). */
const forming = inFile(
  'packages/core/src/host/forming.ts',
  [stories],
  [
    {
      name: 'bootstrap by quorum',
      rule: 'S10',
      find: 'if (missing.length === 0) this.#adopt(membership);',
      replace: 'if (2 * missing.length < membership.members.length) this.#adopt(membership);',
    },
    {
      name: 'a set is accepted before that is durable',
      rule: 'S10',
      find: "this.#agree(membership, () => this.#host.send(from.id, { kind: 'accepted', group }));",
      replace: `this.#host.send(from.id, { kind: 'accepted', group });
      this.#agree(membership, () => {});`,
    },
    {
      name: 'a store accepts two sets',
      rule: 'S10',
      find: 'if (current !== undefined && current.group !== membership.group) {',
      replace: 'if (current === undefined && membership.members.length === 0) {',
    },
    {
      name: 'a set in another name is accepted',
      rule: 'S10',
      find: 'if (!isFirstOf(this.#host.name, membership)) {',
      replace: 'if (membership.members.length === 0) {',
    },
    {
      name: 'a set that begins with another state is accepted',
      rule: 'S10',
      find: 'if (current === undefined && !sameFounding(membership.founding, this.#founding)) {',
      replace: 'if (membership.members.length === 0) {',
    },
    {
      name: 'who has a state of another history joins a group',
      rule: 'S10',
      find: 'if (mine !== undefined && !sameFounding(membership.founding, mine)) return;',
      replace: '',
    },
    {
      name: 'a set with another store of this replica is accepted',
      rule: 'S2, S10',
      find: 'if (memberOf(membership, id, store) === undefined) {',
      replace: 'if (membership.members.length === 0) {',
    },
    {
      name: 'a first set that was not agreed to is taken',
      rule: 'S10',
      find: 'if (isFirst && named && this.#agreed?.group !== membership.group) {',
      replace: 'if (isFirst && membership.members.length === 0) {',
    },
    {
      name: 'a store that is not in the set accepts it',
      rule: 'S2, S10',
      find: 'if (memberOf(membership, from.id, from.store) === undefined) return;',
      replace: '',
    },
    {
      name: 'a configuration is announced before it is durable',
      rule: 'P2, R4',
      find: "this.#host.persist({ kind: 'configuration', membership }, () => {",
      replace: `for (const { id } of this.#host.connected())
      this.#host.send(id, { kind: 'formed', membership });
    this.#host.persist({ kind: 'configuration', membership }, () => {`,
    },
    {
      name: 'a member that has agreed to another set forms this one',
      rule: 'S10',
      find: 'if (this.#agreed !== undefined && this.#agreed.group !== membership.group) {',
      replace: 'if (this.#agreed !== undefined && membership.members.length === 0) {',
    },
  ],
);

const room = inFile(
  'packages/core/src/host/room.ts',
  ['packages/core/src/host/room.test.ts'],
  [
    {
      name: 'values end before commands do',
      rule: 'S5',
      find: '(this.isSpent ? 0.625 * mark : 0.5 * mark)',
      replace: '2 * mark',
    },
    {
      name: 'commands come and go at the mark',
      rule: 'S5',
      find: '(wasLow ? 1.25 * mark : mark)',
      replace: 'mark',
    },
  ],
);

export const formingMutants: readonly Mutant[] = [...forming, ...room];
