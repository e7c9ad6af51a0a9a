import { type Limits, PeerRefusedError } from '@rsl/core';
import type { Lane, LocalIdentity } from '@rsl/core/protocol';
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
import type { Introduction, Join } from './joining.ts';
import type { Surroundings } from './surroundings.ts';

/** What every link of a transport needs. */
export interface LinkSurroundings {
  readonly around: Surroundings;
  readonly limits: Limits;
}

/** What this process says of itself. */
export function greetingOf(
  { process }: Surroundings,
  { frameBytesMax }: Limits,
  about: { kind: GreetingKind; lane: Lane; link: number },
): Greeting {
  return {
    ...about,
    versionMin: versionSpoken,
    versionMax: versionSpoken,
    flags: 0,
    frameBytesMax,
    reason: 0,
    process: process(),
  };
}

/** Why a hello cannot be for this process, whoever is connected already; undefined if it can. */
export function helloFault(hello: Greeting, process: string): Refusal | undefined {
  if (hello.versionMin > versionSpoken || hello.versionMax < versionSpoken) return 'version';
  if ((hello.flags & flagsMustUnderstand) !== 0) return 'flags';
  return hello.process === process ? 'own-process' : undefined;
}

/** Why a welcome is not the answer to our hello; undefined if it is. */
export function welcomeFault(
  welcome: Greeting,
  hello: { readonly lane: Lane; readonly number: number },
): string | undefined {
  if (welcome.kind !== 'welcome') return 'it answered a hello with a hello';
  if (welcome.versionMin !== versionSpoken || welcome.versionMax !== versionSpoken) {
    return 'version';
  }
  if ((welcome.flags & flagsMustUnderstand) !== 0) return 'flags';
  if (welcome.link !== hello.number || welcome.lane !== hello.lane) return 'no-such-link';
  return undefined;
}

/** Why a join cannot be for this replica, whoever has joined already; undefined if it can. */
export function joinFault(join: Introduction, local: LocalIdentity): Refusal | undefined {
  if (join.id === 0 || (join.asked !== 0 && join.asked !== local.id)) return 'wrong-id';
  return join.id === local.id ? 'own-id' : undefined;
}

/** What happens when two dial or join at once; nobody has to do anything about it. */
const harmless: ReadonlySet<string> = new Set<Refusal>(['connected', 'busy']);

/** Says no to a connection, says why, and closes once the answer has left. */
export function refuse(
  connection: Connection,
  { lane, link }: Greeting,
  reason: Refusal,
  { around, limits }: LinkSurroundings,
): void {
  around.counters.add(`refused.${reason}`);
  const { remote } = connection;
  const error = new PeerRefusedError(`refused ${remote}: ${reason}, ${refusals[reason].meaning}`);
  const fields = { code: error.code, remote, reason };
  if (harmless.has(reason)) around.log.debug(fields, error.message);
  else around.log.quietly('warn', `${hostOf(remote)} ${reason}`, fields, error.message);
  const answer = greetingOf(around, limits, { kind: 'refusal', lane, link });
  connection.finish(encodeGreeting({ ...answer, reason: refusals[reason].code }));
}

/** A join was refused by us: counts it and logs it. */
export function noteRefused(
  { group, id, store }: Join,
  remote: string,
  reason: Refusal,
  around: Surroundings,
): void {
  around.counters.add(`refused.${reason}`);
  const subject = `${group} ${id} ${reason}`;
  // Whoever joins in vain again and again costs no more than the answer.
  if (around.log.suppresses(subject)) return;
  const error = new PeerRefusedError(
    `refused replica ${id} of group '${group}' at ${remote}: ${reason}, ` +
      refusals[reason].meaning,
  );
  const fields = { code: error.code, group, peer: id, store, remote, reason };
  if (harmless.has(reason)) around.log.debug(fields, error.message);
  else around.log.quietly('warn', subject, fields, error.message);
}

/** Our own hello, or the join of a group, was refused or not answered as asked. */
export function noteRefusal(
  remote: string,
  reason: string,
  around: Surroundings,
  of?: { readonly group: string; readonly peer: number },
): void {
  around.counters.add(`refusedBy.${reason}`);
  const who = of === undefined ? remote : `replica ${of.peer} of group '${of.group}' at ${remote}`;
  const error = new PeerRefusedError(`${who} refused: ${reason}`);
  const fields = { code: error.code, ...of, remote, reason };
  if (harmless.has(reason)) around.log.debug(fields, error.message);
  else around.log.quietly('warn', `${who} ${reason}`, fields, error.message);
}

/** Without the port, which every connection of a stranger has anew. */
const hostOf = (remote: string): string => remote.slice(0, remote.lastIndexOf(':'));
