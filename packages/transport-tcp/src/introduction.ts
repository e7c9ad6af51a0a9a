import { type Limits, PeerRefusedError } from '@rsl/core';
import type { Lane, LocalIdentity, ReplicaId } from '@rsl/core/protocol';
import type { Connection } from './connection.ts';
import {
  encodeGreeting,
  flagsMustUnderstand,
  type Greeting,
  type GreetingKind,
  type Refusal,
  refusals,
  versionSpoken,
} from './handshake.ts';
import type { PeerHost } from './peer-host.ts';
import type { Surroundings } from './surroundings.ts';

/** What we say of ourselves. */
export function greetingOf(
  local: LocalIdentity,
  limits: Limits,
  about: { kind: GreetingKind; lane: Lane; link: number; asked: ReplicaId },
): Greeting {
  return {
    ...about,
    versionMin: versionSpoken,
    versionMax: versionSpoken,
    flags: 0,
    frameBytesMax: limits.frameBytesMax,
    from: local.id,
    reason: 0,
    store: local.store,
    instance: local.instance,
    group: local.group,
  };
}

/** Why a hello cannot be for this process, whoever is connected already; undefined if it can. */
export function helloFault(hello: Greeting, local: LocalIdentity | undefined): Refusal | undefined {
  if (hello.versionMin > versionSpoken || hello.versionMax < versionSpoken) return 'version';
  if ((hello.flags & flagsMustUnderstand) !== 0) return 'flags';
  if (local === undefined) return 'no-such-group';
  if (hello.from === 0 || (hello.asked !== 0 && hello.asked !== local.id)) return 'wrong-id';
  if (hello.from === local.id) return 'own-id';
  return undefined;
}

/** Why a welcome is not the answer to our hello; undefined if it is. */
export function welcomeFault(
  welcome: Greeting,
  local: LocalIdentity,
  hello: { readonly id: ReplicaId; readonly lane: Lane; readonly number: number },
): string | undefined {
  if (welcome.kind !== 'welcome') return 'it answered a hello with a hello';
  if (welcome.versionMin !== versionSpoken || welcome.versionMax !== versionSpoken) {
    return 'version';
  }
  if ((welcome.flags & flagsMustUnderstand) !== 0) return 'flags';
  if (welcome.group !== local.group) return 'no-such-group';
  if (welcome.from !== hello.id || welcome.asked !== local.id) return 'wrong-id';
  if (welcome.link !== hello.number || welcome.lane !== hello.lane) return 'no-such-link';
  return undefined;
}

/** Says yes; frames may follow. */
export function welcome(
  connection: Connection,
  hello: Greeting,
  { local, limits }: { readonly local: LocalIdentity; readonly limits: Limits },
): void {
  const { lane, link, from } = hello;
  const answer = greetingOf(local, limits, { kind: 'welcome', lane, link, asked: from });
  connection.greet(encodeGreeting(answer));
  connection.startFrames(hello.frameBytesMax);
}

/** What happens when two dial at once; nobody has to do anything about it. */
const harmless: ReadonlySet<string> = new Set<Refusal>(['connected', 'busy']);

const nobody = { id: 0, store: '0000000000000000', instance: 0 };

/** Says no, says why, counts it, logs it, and closes once the answer has left. */
export function refuse(
  connection: Connection,
  hello: Greeting,
  reason: Refusal,
  ours: {
    readonly local?: LocalIdentity;
    readonly limits: Limits;
    readonly around: Surroundings;
  },
): void {
  const { around, limits } = ours;
  around.counters.add(`refused.${reason}`);
  const { from, group, store, lane, link } = hello;
  const error = new PeerRefusedError(
    `refused replica ${from} of group '${group}' at ${connection.remote}: ${reason}, ` +
      refusals[reason].meaning,
  );
  const fields = { code: error.code, group, peer: from, store, remote: connection.remote, reason };
  if (harmless.has(reason)) around.log.debug(fields, error.message);
  else around.log.quietly('warn', `${group} ${from} ${reason}`, fields, error.message);
  const self: LocalIdentity = { ...(ours.local ?? nobody), group };
  const answer = greetingOf(self, limits, { kind: 'refusal', lane, link, asked: from });
  connection.finish(encodeGreeting({ ...answer, reason: refusals[reason].code }));
}

/** Our own hello was refused, or answered by somebody else: counts it and logs it. */
export function noteRefusal(
  peer: ReplicaId,
  remote: string,
  reason: string,
  { around, local: { group } }: PeerHost,
): PeerRefusedError {
  around.counters.add(`refusedBy.${reason}`);
  const error = new PeerRefusedError(`replica ${peer} at ${remote} refused: ${reason}`);
  const fields = { code: error.code, group, peer, remote, reason };
  if (harmless.has(reason)) around.log.debug(fields, error.message);
  else around.log.quietly('warn', `${group} ${peer} ${remote} ${reason}`, fields, error.message);
  return error;
}
