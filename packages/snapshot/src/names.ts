/**
 * What is in a store's directory.
 *
 *   <slot>.snapshot         committed; the slot with 16 digits
 *   draft-<n>               being written; removed at the next start
 *   copy-<slot>-<digest>    a copy that is under way, or goes on later
 *   condemned               the last one whose content could not be verified
 *   lock.<n>                see @rsl/directory-lock
 */
import path from 'node:path';
import type { Slot, SnapshotMeta, SnapshotName } from '@rsl/core/protocol';

const committedName = /^[0-9]{16}\.snapshot$/;
const draftName = /^draft-[0-9]{1,15}$/;
const copyName = /^copy-[0-9]{16}-[0-9a-f]{64}$/;

const digits = (slot: Slot): string => String(slot).padStart(16, '0');

export const isCommitted = (name: string): boolean => committedName.test(name);
export const isDraft = (name: string): boolean => draftName.test(name);
export const isCopy = (name: string): boolean => copyName.test(name);

export const committedFile = (directory: string, slot: Slot): string =>
  path.join(directory, `${digits(slot)}.snapshot`);
export const draftFile = (directory: string, n: number): string =>
  path.join(directory, `draft-${n}`);
export const copyFile = (directory: string, { digest, slot }: SnapshotMeta): string =>
  path.join(directory, `copy-${digits(slot)}-${digest}`);
/** What the name of such a copy says. */
export function nameOfCopy(name: string): SnapshotName {
  const [, slot = '', digest = ''] = name.split('-');
  return { slot: Number(slot), digest };
}

export const condemnedFile = (directory: string): string => path.join(directory, 'condemned');
