import type { CallOptions, ManyResults, Relay, RelayedPart } from '../api.ts';
import { InvalidOptionError } from '../errors.ts';
import { checkInteger } from '../options.ts';
import { type Control, decodeName, encodeControl } from '../sessions/control.ts';
import { sessionLimits } from '../sessions/session-limits.ts';
import {
  type SessionId,
  sessionIdOf,
  type SessionName,
  sessionNameOf,
} from '../sessions/session-name.ts';
import type { Calls } from './calls.ts';
import { control } from './proposal-ring.ts';

const { sessionTtlMsMax, sessionTtlMsMin, sessionWindowMax } = sessionLimits;

/** Of commands that are bytes. */
type Edge = Pick<Calls<unknown, unknown>, 'one' | 'proposeMany'>;

/** Sessions of clients elsewhere, as this replica's callers. */
export class HostRelay implements Relay {
  readonly #calls: Edge;

  constructor(calls: Edge) {
    this.#calls = calls;
  }

  async open(ttlMs: number, options: CallOptions = {}): Promise<SessionId> {
    checkInteger('ttlMs', ttlMs, sessionTtlMsMin, sessionTtlMsMax);
    return this.#say({ kind: 'open', ttlMs }, (name) => sessionIdOf(decodeName(name)), options);
  }

  propose(
    { acknowledged, firstSequence, session }: RelayedPart,
    commands: readonly Uint8Array[],
    results: ManyResults,
    options: { readonly timeoutMs?: number } = {},
  ): void {
    const { slot, offset } = checkedName(session);
    const last = Number.MAX_SAFE_INTEGER - sessionWindowMax - commands.length;
    checkInteger('firstSequence', firstSequence, 1, last);
    checkInteger('acknowledged', acknowledged, 0, firstSequence - 1);
    const under = { slot, offset, acknowledged };
    this.#calls.proposeMany(commands, results, options, { under, firstNumber: firstSequence });
  }

  async use(session: SessionId, acknowledged: number, options: CallOptions = {}): Promise<void> {
    checkInteger('acknowledged', acknowledged, 0, Number.MAX_SAFE_INTEGER);
    return this.#say({ kind: 'use', name: checkedName(session), acknowledged }, () => {}, options);
  }

  async close(session: SessionId, options: CallOptions = {}): Promise<void> {
    return this.#say({ kind: 'close', name: checkedName(session) }, () => {}, options);
  }

  #say<T>(word: Control, decode: (answer: Uint8Array) => T, options: CallOptions): Promise<T> {
    return this.#calls.one(
      () => encodeControl(word),
      decode,
      options,
      () => ({ under: control }),
    );
  }
}

function checkedName(session: SessionId): SessionName {
  const name = sessionNameOf(session);
  if (name === undefined) throw new InvalidOptionError('session', 'no session has such an id');
  return name;
}
