import type { Args } from '../args.ts';
import type { Reply } from '../resp/reply.ts';
import type { Found } from '../state/entry.ts';
import type { Keyspace } from '../state/keyspace.ts';
import { Refusal, type StateCommand } from './command.ts';
import { timeIn } from './expiry-times.ts';
import { integerOf } from './values.ts';

const write = {
  kind: 'write',
  keys: [1, 1, 1],
  flags: ['write', 'fast'],
  group: 'generic',
} as const;
const timed = { ...write, kind: 'timed', flags: ['readonly', 'fast'] } as const;

export const expiryCommands: readonly StateCommand[] = [
  {
    ...write,
    name: 'expire',
    id: 40,
    arity: -3,
    summary: 'Sets the time to live of a key in seconds.',
    execute: (keyspace, args, reply) => expire(keyspace, args, 1_000, reply),
  },
  {
    ...write,
    name: 'pexpire',
    id: 41,
    arity: -3,
    summary: 'Sets the time to live of a key in milliseconds.',
    execute: (keyspace, args, reply) => expire(keyspace, args, 1, reply),
  },
  {
    ...timed,
    name: 'ttl',
    id: 42,
    arity: 2,
    summary: 'Returns the time to live of a key in seconds; −1: for ever, −2: no such key.',
    execute(keyspace, args, reply) {
      const lifeMs = timeToLiveMs(keyspace, args);
      reply.integer(lifeMs < 0 ? lifeMs : Math.floor((lifeMs + 500) / 1_000));
    },
  },
  {
    ...timed,
    name: 'pttl',
    id: 43,
    arity: 2,
    summary: 'Returns the time to live of a key in milliseconds; −1: for ever, −2: no such key.',
    execute: (keyspace, args, reply) => reply.integer(timeToLiveMs(keyspace, args)),
  },
  {
    ...write,
    name: 'persist',
    id: 44,
    arity: 2,
    summary: 'Removes the time to live of a key.',
    execute(keyspace, args, reply) {
      const found = keyspace.find(args.text(0));
      if (found === undefined || found.expireAtMs === 0) return reply.integer(0);
      const entry = keyspace.own(found);
      keyspace.expiries.place(entry, 0);
      keyspace.changed(entry);
      reply.integer(1);
    },
  },
];

function expire(keyspace: Keyspace, args: Args, unitMs: number, reply: Reply): void {
  const isAllowed = conditionOf(args);
  const command = unitMs === 1 ? 'pexpire' : 'expire';
  const timeMs = timeIn(keyspace, Number(integerOf(args.text(1))) * unitMs, command);
  const found = keyspace.find(args.text(0));
  if (found === undefined || !isAllowed(found, timeMs)) return reply.integer(0);
  if (timeMs <= keyspace.timeMs) keyspace.remove(found);
  else {
    const entry = keyspace.own(found);
    keyspace.expiries.place(entry, timeMs);
    keyspace.changed(entry);
  }
  reply.integer(1);
}

/** What NX, XX, GT and LT together ask of a key before its expiry may change. */
function conditionOf(args: Args): (found: Found, timeMs: number) => boolean {
  const asked = { NX: false, XX: false, GT: false, LT: false };
  for (let i = 2; i < args.count; i++) {
    const option = args.text(i).toUpperCase();
    if (!Object.hasOwn(asked, option)) throw new Refusal(`ERR Unsupported option ${args.text(i)}`);
    asked[option as keyof typeof asked] = true;
  }
  if (asked.NX && (asked.XX || asked.GT || asked.LT)) {
    throw new Refusal('ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if (asked.GT && asked.LT) {
    throw new Refusal('ERR GT and LT options at the same time are not compatible');
  }
  return ({ expireAtMs }, timeMs) => {
    const expires = expireAtMs !== 0;
    if ((asked.NX && expires) || (asked.XX && !expires)) return false;
    if (asked.GT && (!expires || timeMs <= expireAtMs)) return false;
    return !(asked.LT && expires && timeMs >= expireAtMs);
  };
}

function timeToLiveMs(keyspace: Keyspace, args: Args): number {
  const entry = keyspace.find(args.text(0));
  if (entry === undefined) return -2;
  return entry.expireAtMs === 0 ? -1 : entry.expireAtMs - keyspace.timeMs;
}
