import { ApplicationError, type SessionId, typed } from '@rsl/core';

export type Command = { readonly kind: 'acquire' | 'release'; readonly name: string };

interface Lock {
  readonly session: SessionId;
  /** Greater for each holder: what the lock protects refuses what comes with a smaller one. */
  readonly token: number;
}

/** Locks that their holders lose with their sessions. A token, or undefined: somebody has it. */
export function lockService() {
  let locks = new Map<string, Lock>();
  let lastToken = 0;

  return typed<Command, number | undefined, { locks: [string, Lock][]; lastToken: number }>({
    execute({ kind, name }, { session }) {
      if (session === undefined) throw new ApplicationError('no-session', 'use a session');
      const held = locks.get(name);
      if (kind === 'release') {
        if (held?.session === session) locks.delete(name);
        return undefined;
      }
      if (held !== undefined) return held.session === session ? held.token : undefined;
      lastToken += 1;
      locks.set(name, { session, token: lastToken });
      return lastToken;
    },
    // Closed, or its client was silent for too long: the same slot on every replica.
    sessionEnded(session) {
      for (const [name, lock] of locks) if (lock.session === session) locks.delete(name);
    },
    snapshot: () => ({ locks: [...locks], lastToken }),
    restore: (saved) => {
      locks = new Map(saved.locks);
      ({ lastToken } = saved);
    },
  });
}
