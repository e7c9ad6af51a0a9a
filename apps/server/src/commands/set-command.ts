import type { Args } from '../args.ts';
import type { Reply } from '../resp/reply.ts';
import type { Keyspace } from '../state/keyspace.ts';
import { syntaxError } from '../state/replies.ts';
import { Refusal, type StateCommand } from './command.ts';
import { expireAtMs } from './expiry-times.ts';
import { roomForKeys, stringOf } from './values.ts';

interface SetOptions {
  condition: 'none' | 'NX' | 'XX';
  answersBefore: boolean;
  keepsExpiry: boolean;
  /** Argument with the time to live, and what one of its units is. */
  expiryArgument: number;
  expiryUnitMs: number;
}

export const setCommand: StateCommand = {
  name: 'set',
  id: 11,
  kind: 'write',
  arity: -3,
  keys: [1, 1, 1],
  flags: ['write', 'denyoom'],
  group: 'string',
  summary: 'Sets the string value of a key, ignoring its type.',
  execute(keyspace, args, reply) {
    if (args.count > 2) return setWithOptions(keyspace, args, reply);
    const key = args.text(0);
    if (keyspace.isFull && keyspace.find(key) === undefined) roomForKeys(keyspace, 1);
    const entry = keyspace.put(key, args.text(1));
    if (entry.expireAtMs !== 0) keyspace.expiries.place(entry, 0);
    reply.simple('OK');
  },
};

function setWithOptions(keyspace: Keyspace, args: Args, reply: Reply): void {
  const options = parseOptions(args);
  const expiry =
    options.expiryArgument === 0
      ? 0
      : expireAtMs(keyspace, args.text(options.expiryArgument), options.expiryUnitMs, 'set');
  const key = args.text(0);
  const found = keyspace.find(key);
  const before = options.answersBefore ? stringOf(found) : undefined;
  const refused = options.condition === (found === undefined ? 'XX' : 'NX');
  if (!refused) {
    if (found === undefined) roomForKeys(keyspace, 1);
    const entry = keyspace.put(key, args.text(1));
    if (!options.keepsExpiry) keyspace.expiries.place(entry, expiry);
  }
  if (before !== undefined) reply.bulk(before);
  else if (refused || options.answersBefore) reply.null();
  else reply.simple('OK');
}

function parseOptions(args: Args): SetOptions {
  const options: SetOptions = {
    condition: 'none',
    answersBefore: false,
    keepsExpiry: false,
    expiryArgument: 0,
    expiryUnitMs: 0,
  };
  for (let i = 2; i < args.count; i++) {
    if (!takeOption(options, args, i)) throw new Refusal(syntaxError);
    if (options.expiryArgument === i + 1) i++;
  }
  return options;
}

/** False if option i is unknown or contradicts an earlier one. */
function takeOption(options: SetOptions, args: Args, i: number): boolean {
  if (args.is(i, 'NX') && options.condition !== 'XX') options.condition = 'NX';
  else if (args.is(i, 'XX') && options.condition !== 'NX') options.condition = 'XX';
  else if (args.is(i, 'GET')) options.answersBefore = true;
  else if (args.is(i, 'KEEPTTL') && options.expiryArgument === 0) options.keepsExpiry = true;
  else return takeExpiry(options, args, i);
  return true;
}

function takeExpiry(options: SetOptions, args: Args, i: number): boolean {
  const unitMs = args.is(i, 'EX') ? 1_000 : args.is(i, 'PX') ? 1 : 0;
  const contradicts = options.expiryArgument !== 0 && options.expiryUnitMs !== unitMs;
  if (unitMs === 0 || options.keepsExpiry || contradicts || i + 1 >= args.count) return false;
  options.expiryArgument = i + 1;
  options.expiryUnitMs = unitMs;
  return true;
}
