import { inFile, type Mutant } from '../mutant.ts';

/** Old copies and twins (S2a). */
const memory: readonly Mutant[] = inFile(
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
      find: 'if (a.count > b.count || a.position > b.position) return true;',
      replace: 'if (a.count > b.count) return true;',
    },
    {
      name: 'two starts with one count are one',
      rule: 'S2a',
      find: 'return a.count === b.count && a.nonce !== b.nonce;',
      replace: 'return false;',
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
      find: "if (nonce !== this.#host.now().nonce || this.#state === 'contradicted') return;",
      replace: "if (this.#state === 'contradicted') return;",
    },
    {
      name: 'who is no member admits',
      rule: 'S2, S2a',
      find: 'if (!this.#isMember(from)) return;',
      replace: '',
    },
    {
      name: 'what was contradicted is remembered',
      rule: 'S2a',
      find: 'if (!contradicts && !asks) this.#remember(',
      replace: 'if (!asks) this.#remember(',
    },
    {
      name: 'a start that was never written down is remembered',
      rule: 'S2a',
      find: 'if (!contradicts && !asks) this.#remember(',
      replace: 'if (!contradicts) this.#remember(',
    },
    {
      name: 'a member that is connected is not waited for',
      rule: 'S2a',
      find: 'if ([...this.#host.connected()].some(isOpen)) return;',
      replace: '',
    },
    {
      name: 'who is admitted is not told that it is an older copy',
      rule: 'S2a',
      find: 'if (!asks && !contradicts) return;',
      replace: 'if (!asks) return;',
    },
    {
      name: 'what is remembered is written without room',
      rule: 'S5',
      find: "if (this.#state !== 'admitted' || !this.#host.hasRoom()) return false;",
      replace: "if (this.#state !== 'admitted') return false;",
    },
    {
      name: 'an orderly end forgets what was remembered',
      rule: 'S2a',
      find: "if (this.#growth > 0 && this.#state === 'admitted') this.#record(Infinity);",
      replace: '',
    },
    {
      name: 'a store goes on that was contradicted',
      rule: 'S2a',
      find: 'return this.#host.contradicted(position);',
      replace: '',
    },
  ],
);

const admission: readonly Mutant[] = inFile(
  'packages/core/src/host/host.ts',
  ['packages/core/src/host/host.test.ts'],
  [
    {
      name: 'low room is not told again after admission',
      rule: 'S5',
      find: "if (this.#parts.room.isLow) this.#inputs.push({ kind: 'storage', full: true });",
      replace: '',
    },
    {
      name: 'an older copy is admitted while it is renewed',
      rule: 'S2a',
      find: 'if (!this.#renewing) this.#begin();',
      replace: 'this.#begin();',
    },
    {
      name: 'an older copy goes on while it is renewed',
      rule: 'S2a',
      find: 'this.#protocol = undefined;',
      replace: '',
    },
  ],
);

export const standingMutants: readonly Mutant[] = [...memory, ...admission];
