import type { ReadLevel } from '@rsl/core';
import type { BundleWriter } from '../bundle/bundle-writer.ts';
import type { RespVersion } from '../resp/reply-writer.ts';
import type { Write } from './connection-command.ts';
import type { Watches } from './watches.ts';

/**
 * What a connection does in one go. Commands of a kind that come in a row are one run: its writes
 * are one proposal, its reads wait for one barrier. Runs go one after the other, so that a read
 * sees the writes before it and none after it, whatever happens to the leader meanwhile.
 */
export type Run =
  | { readonly kind: 'write'; readonly sinceMs: number; readonly bundle: BundleWriter }
  | {
      readonly kind: 'read';
      readonly sinceMs: number;
      readonly bundle: BundleWriter;
      readonly level: ReadLevel;
      /** How far it has been executed. */
      at: number;
    }
  | { readonly kind: 'reply'; readonly bytes: Uint8Array }
  /** Its answer comes when it comes. */
  | { readonly kind: 'patient'; readonly version: RespVersion; readonly run: () => Promise<Write> }
  | { readonly kind: 'slot'; readonly sinceMs: number; readonly version: RespVersion }
  | {
      readonly kind: 'watch';
      readonly sinceMs: number;
      readonly keys: readonly string[];
      readonly watches: Watches;
      readonly version: RespVersion;
      readonly bytes: number;
    }
  | {
      readonly kind: 'exec';
      readonly sinceMs: number;
      readonly queued: BundleWriter;
      readonly watches: Watches;
      readonly version: RespVersion;
      readonly bytes: number;
    };

/** The replies that a run owes. */
export function repliesOf(run: Run): number {
  return run.kind === 'write' || run.kind === 'read' ? run.bundle.count : 1;
}

/** About the memory that a run takes up. */
export function bytesOf(run: Run): number {
  switch (run.kind) {
    case 'write':
    case 'read':
      return run.bundle.capacity;
    case 'reply':
      return run.bytes.length;
    case 'patient':
    case 'slot':
      return 0;
    case 'watch':
    case 'exec':
      return run.bytes;
  }
}
