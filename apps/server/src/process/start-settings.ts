import type { LeaseOptions, PeerAddress } from '@rsl/core';
import type { HostPort } from '@rsl/transport-tcp';

export type LogFormat = 'json' | 'pretty';

/** What `rsl-server start` was told, checked. */
export interface StartSettings {
  readonly id: number;
  readonly group: string;
  readonly members: readonly PeerAddress[];
  readonly client: HostPort;
  /** Where to listen for clients of @rsl/core/client. Undefined: nowhere. */
  readonly clients?: HostPort;
  /** Where to listen for the other replicas. */
  readonly listen: HostPort;
  readonly data: string;
  readonly bootstrap: boolean;
  readonly allowPlaintext: boolean;
  /** Slots whose commands are not executed; the same on every replica. */
  readonly skipSlots: readonly number[];
  /** Undefined: none. */
  readonly lease?: LeaseOptions;
  /** Which thread the replica's protocol, log and transport run on. */
  readonly isolation: 'inline' | 'thread';
  readonly logLevel: string;
  readonly logFormat: LogFormat;
  readonly timeoutMs: number;
  readonly electionTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxCommandBytes: number;
  readonly maxOutputBytes: number;
  readonly stallMs: number;
  readonly window: number;
  readonly batchCommands: number;
  readonly batchBytes: number;
  /** A leader with followers saves none, and copies theirs. */
  readonly snapshotFollowersOnly: boolean;
  readonly snapshotEverySlots: number;
  readonly snapshotEveryBytes: number;
  readonly snapshotEveryMs: number;
  readonly snapshotKeep: number;
  readonly snapshotBytesPerSecond: number;
  readonly retainSlots: number;
  readonly retainBytes: number;
}
