import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { FrameError } from '../errors.ts';
import type { Addresses, Founding, Member, Membership } from '../paxos/membership.ts';
import { crc32, digest64 } from './checksum.ts';

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

/** Rare, so msgpack; a fixed order of fields, so that equal memberships give equal bytes. */
export function encodeMembership(m: Membership): Uint8Array {
  const rows = (members: readonly Member[]): unknown[] =>
    members.map((one) => [
      one.id,
      one.store,
      one.role,
      Object.entries(one.addresses).sort(([a], [b]) => (a < b ? -1 : 1)),
    ]);
  const founding = m.founding === undefined ? [] : [[m.founding.slot, m.founding.digest]];
  const lists = [rows(m.members), rows(m.previous)];
  return packr.pack([m.group, m.number, m.firstSlot, ...lists, ...founding]);
}

/** FrameError for anything that is no membership. */
export function decodeMembership(bytes: Uint8Array, membersMax: number): Membership {
  let row: unknown;
  try {
    row = unpackr.unpack(bytes);
  } catch (error) {
    throw new FrameError(`no membership: ${String(error)}`);
  }
  if (!Array.isArray(row) || row.length < 5 || row.length > 6) {
    throw new FrameError('no membership');
  }
  const [group, number, firstSlot, members, previous, began] = row as unknown[];
  const current = list(members, membersMax).map(member);
  const ids = new Set(current.map(({ id }) => id));
  if (ids.size === 0 || ids.size < current.length) throw new FrameError('no set of members');
  return {
    group: hex(group),
    number: integer(number, 1, 2 ** 32 - 1),
    firstSlot: integer(firstSlot, 1, Number.MAX_SAFE_INTEGER),
    members: current,
    previous: list(previous, membersMax).map(member),
    ...(row.length === 5 ? {} : { founding: founding(began) }),
  };
}

/** Tells configurations of the same number apart, in every frame (S10); addresses may differ. */
export function fingerprintOf(m: Membership): number {
  const members = m.members.map(({ id, store, role }) => [id, store, role]);
  return crc32(packr.pack([m.group, m.number, m.firstSlot, members]));
}

/** The id of a group: a hash of its name, first members, sorted, and what it began with (S10). */
export function groupIdOf(name: string, members: readonly Member[], began?: Founding): string {
  const sorted = [...members].sort((a, b) => a.id - b.id).map((m) => [m.id, m.store]);
  const state = began === undefined ? [] : [began.slot, began.digest];
  return digest64(JSON.stringify([name, sorted, ...state]));
}

/** It is what its group id says that the group with this name began as (S10). */
export const isFirstOf = (name: string, m: Membership): boolean =>
  groupIdOf(name, m.members, m.founding) === m.group && m.firstSlot === (m.founding?.slot ?? 0) + 1;

function founding(row: unknown): Founding {
  const [slot, digest] = list(row, 2);
  if (!isDigest(digest)) throw new FrameError('no digest');
  return { slot: integer(slot, 1, Number.MAX_SAFE_INTEGER - 1), digest };
}

/** SHA-256, in hexadecimal digits. */
export const isDigest = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

function member(row: unknown): Member {
  if (!Array.isArray(row) || row.length !== 4) throw new FrameError('no member');
  const [id, store, role, addresses] = row as unknown[];
  if (role !== 'voter' && role !== 'observer') throw new FrameError('a member of no known role');
  const entries = list(addresses, 16).map((pair): [string, string] => {
    const [name, address] = Array.isArray(pair) ? (pair as unknown[]) : [];
    return [text(name), text(address)];
  });
  const known: Addresses = Object.fromEntries(entries);
  return { id: integer(id, 1, 65_535), store: hex(store), role, addresses: known };
}

function list(value: unknown, max: number): unknown[] {
  if (!Array.isArray(value) || value.length > max) throw new FrameError(`no list of up to ${max}`);
  return value;
}

function integer(value: unknown, min: number, max: number): number {
  const ok = Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
  if (!ok) throw new FrameError('an integer out of range');
  return value as number;
}

function hex(value: unknown): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{16}$/.test(value)) throw new FrameError('no id');
  return value;
}

function text(value: unknown): string {
  if (typeof value !== 'string' || value.length > 1_024) throw new FrameError('no text');
  return value;
}
