/** A membership as JSON, for media: rare, and readable with any tool. No medium is trusted. */
import type { Addresses, Founding, Member, Membership } from '../paxos/membership.ts';
import { isDigest } from './membership-codec.ts';

const nameLengthMax = 128;

/** As UTF-8. */
export const membershipToJson = (membership: Membership): Uint8Array =>
  Buffer.from(JSON.stringify(membership), 'utf8');

/** Undefined if the bytes are not a membership. */
export function membershipFromJson(bytes: Uint8Array): Membership | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  return parseMembership(parsed);
}

/** The same for JSON that was parsed already. */
export function parseMembership(parsed: unknown): Membership | undefined {
  if (!isObject(parsed)) return undefined;
  const { group, number, firstSlot, members, previous } = parsed;
  if (!isName(group)) return undefined;
  if (!isCount(number) || !isCount(firstSlot)) return undefined;
  const now = parseMembers(members);
  const before = parseMembers(previous);
  if (now === undefined || before === undefined) return undefined;
  const whole = { group, number, firstSlot, members: now, previous: before };
  if (parsed['founding'] === undefined) return whole;
  const founding = parseFounding(parsed['founding']);
  return founding && { ...whole, founding };
}

function parseFounding(value: unknown): Founding | undefined {
  if (!isObject(value)) return undefined;
  const { slot, digest } = value;
  return isCount(slot) && slot > 0 && isDigest(digest) ? { slot, digest } : undefined;
}

function parseMembers(value: unknown): Member[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const members = value.map(parseMember);
  return members.every((member) => member !== undefined) ? members : undefined;
}

function parseMember(value: unknown): Member | undefined {
  if (!isObject(value)) return undefined;
  const { id, store, role } = value;
  if (!isCount(id) || id > 65_535) return undefined;
  if (!isName(store)) return undefined;
  if (role !== 'voter' && role !== 'observer') return undefined;
  const addresses = parseAddresses(value['addresses']);
  return addresses && { id, store, role, addresses };
}

function parseAddresses(value: unknown): Addresses | undefined {
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value);
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    return undefined;
  }
  return Object.fromEntries(entries);
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= nameLengthMax;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;
