import type { Slot } from '../paxos/slot.ts';

/** A session is named by where the command that opened it was executed: nobody else has that. */
export interface SessionName {
  readonly slot: Slot;
  readonly offset: number;
}

/** Names a client session: `slot.offset`. */
export type SessionId = string;

export const sessionIdOf = ({ slot, offset }: SessionName): SessionId => `${slot}.${offset}`;

/** Undefined for anything that is no session's id. */
export function sessionNameOf(id: SessionId): SessionName | undefined {
  const match = /^(?<slot>[1-9]\d{0,15})\.(?<offset>0|[1-9]\d{0,9})$/.exec(id);
  if (match?.groups === undefined) return undefined;
  const slot = Number(match.groups.slot);
  const offset = Number(match.groups.offset);
  return Number.isSafeInteger(slot) && offset < 2 ** 32 ? { slot, offset } : undefined;
}

export const compareSessions = (a: SessionName, b: SessionName): number =>
  a.slot - b.slot || a.offset - b.offset;
