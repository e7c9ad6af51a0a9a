import { inFile, type Mutant } from '../mutant.ts';

/** Old copies and twins (S2a). */
export const standingMutants: readonly Mutant[] = inFile(
  'packages/core/src/host/standing.ts',
  ['packages/core/src/host/standing.test.ts'],
  [
    {
      name: 'old copy votes',
      rule: 'S2a',
      find: 'const contradicts = known !== undefined && !isSameStart && isLater(known, found);',
      replace: 'const contradicts = false;',
    },
    {
      name: 'an earlier position goes unseen',
      rule: 'S2a',
      find: 'return a.nonce !== b.nonce || a.position > b.position;',
      replace: 'return a.nonce !== b.nonce;',
    },
    {
      name: 'two starts with one count are one',
      rule: 'S2a',
      find: 'return a.nonce !== b.nonce || a.position > b.position;',
      replace: 'return a.position > b.position;',
    },
    {
      name: 'a store takes part before a quorum knows it',
      rule: 'S2a',
      find: 'if (quorum.includes(new Set([...this.#agreed, this.#host.self.id]))) this.#admit();',
      replace: 'this.#admit();',
    },
    {
      name: 'an answer to an earlier start admits',
      rule: 'S2a',
      find: 'if (nonce !== this.#host.now().nonce || this.#isAdmitted) return;',
      replace: 'if (this.#isAdmitted) return;',
    },
    {
      name: 'who is no member admits',
      rule: 'S2, S2a',
      find: 'if (named === undefined) return;',
      replace: '',
    },
    {
      name: 'what was contradicted is remembered',
      rule: 'S2a',
      find: 'if (!contradicts) this.#remember(',
      replace: 'this.#remember(',
    },
    {
      name: 'a store goes on that was contradicted',
      rule: 'S2a',
      find: 'if (contradicts) return this.#host.contradicted(position);',
      replace: '',
    },
  ],
);
