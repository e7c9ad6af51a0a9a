import type { ReadLevel, Replica } from '@rsl/core';
import type { Args } from '../args.ts';
import type { CommandSpec, StateCommand } from '../commands/command.ts';
import type { KeyValue } from '../key-value.ts';
import type { Reply } from '../resp/reply.ts';
import type { ReplyWriter, RespVersion } from '../resp/reply-writer.ts';
import type { SnapshotDesk } from '../snapshots/snapshot-desk.ts';
import type { ClientLimits } from './client-limits.ts';

/** A command that is answered by the connection itself. */
export interface ConnectionCommand extends CommandSpec {
  readonly kind: 'connection';
  /** Gives one reply, or throws a Refusal before it has replied. */
  run(context: ClientContext, args: Args, reply: ReplyWriter): void;
}

/** A command that begins, ends or guards a transaction: see Connection. */
export interface TransactionCommand extends CommandSpec {
  readonly kind: 'multi' | 'exec' | 'discard' | 'watch';
}

/** The one command whose answer is only known in its turn: see Pipeline. */
export interface SlotCommand extends CommandSpec {
  readonly kind: 'slot';
}

/** Writes one reply. */
export type Write = (reply: Reply) => void;

/** A command whose answer takes its time, and that later ones of its connection wait for. */
export interface PatientCommand extends CommandSpec {
  readonly kind: 'patient';
  /** Rejects with a Refusal, or an error of the library. */
  run(server: ServerContext, args: Args): Promise<Write>;
}

export type Command =
  | StateCommand
  | ConnectionCommand
  | PatientCommand
  | TransactionCommand
  | SlotCommand;

/** What a connection command may see and change of its client. */
export interface ClientContext {
  readonly id: number;
  readonly address: string;
  readonly connectedAtMs: number;
  name: string;
  libraryName: string;
  libraryVersion: string;
  version: RespVersion;
  /** What reads have to reflect: READONLY, READWRITE and CLIENT RSL-READ change it. */
  readLevel: ReadLevel;
  readonly server: ServerContext;
  /** Closes the connection once everything before has been answered. */
  closeSoon(): void;
}

/** What a connection command may see of the server. */
export interface ServerContext {
  readonly replica: Replica;
  readonly machine: KeyValue;
  /** Undefined: it keeps none. */
  readonly snapshots: SnapshotDesk | undefined;
  readonly limits: ClientLimits;
  readonly commands: readonly Command[];
  readonly startedAtMs: number;
  /** Where clients connect, as `host:port`. */
  readonly address: string;
  readonly counters: ServerCounters;
  readonly clients: Iterable<ClientContext>;
}

export interface ServerCounters {
  connections: number;
  accepted: number;
  refused: number;
  commands: number;
  /** Connections closed because of what they sent, did not read, or took up. */
  closed: number;
  heldBytes: number;
}
