/** Small words for tests of the protocol: `batch('x')`, `ballot(2, 1)`, `group(3)`. */
import { crc32 } from 'node:zlib';
import { defaultLimits, defaultTimings, type Limits, type Timings } from '../../src/limits.ts';
import { type Ballot, zeroBallot } from '../../src/paxos/ballot.ts';
import type { Effect } from '../../src/paxos/effect.ts';
import type { LeaseTerms } from '../../src/paxos/lease.ts';
import type { LogRecord } from '../../src/paxos/log-record.ts';
import type { Member, Membership, ReplicaId } from '../../src/paxos/membership.ts';
import type {
  Heartbeat,
  LearnReply,
  Message,
  Phase1a,
  Phase1b,
  Phase2a,
  Reported,
} from '../../src/paxos/messages.ts';
import type { Settings } from '../../src/paxos/settings.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import { batchByte, kindOf, stopByte, type Value } from '../../src/paxos/value.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';

const valueOf = (bytes: Uint8Array): Value => ({ bytes, checksum: crc32(bytes) });

export const batch = (text: string): Value =>
  valueOf(Uint8Array.of(batchByte, ...new TextEncoder().encode(text)));

export const stop: Value = valueOf(Uint8Array.of(stopByte));

/** A batch's text; `(stop)` and `(no-op)` for the other two. */
export function textOf(value: Value): string {
  const kind = kindOf(value);
  return kind === 'batch' ? new TextDecoder().decode(value.bytes.subarray(1)) : `(${kind})`;
}

export const ballot = (round: number, proposer: ReplicaId, configuration = 1): Ballot => ({
  configuration,
  round,
  proposer,
});

export const storeOf = (id: ReplicaId): string => id.toString(16).padStart(16, '0');

export const member = (id: ReplicaId, role: Member['role'] = 'voter'): Member => ({
  id,
  store: storeOf(id),
  role,
  addresses: {},
});

/** Voters 1 … count, in configuration 1 from slot 1 on. */
export const group = (count: number, change: Partial<Membership> = {}): Membership => ({
  group: 'a1b2c3d4e5f60718',
  number: 1,
  firstSlot: 1,
  members: Array.from({ length: count }, (_, i) => member(i + 1)),
  previous: [],
  ...change,
});

export interface Tuning {
  readonly limits?: Partial<Limits>;
  readonly timings?: Partial<Timings>;
  readonly lease?: LeaseTerms;
}

export const settingsOf = (self: ReplicaId, { limits, timings, lease }: Tuning = {}): Settings => ({
  self,
  store: storeOf(self),
  limits: { ...defaultLimits, ...limits },
  timings: { ...defaultTimings, ...timings },
  random: new SeededRandom(self),
  ...(lease === undefined ? {} : { lease }),
});

export const noCookie = new Uint8Array(0);

export const phase1a = (of: Ballot, fromSlot: Slot = 1): Phase1a => ({
  kind: '1a',
  ballot: of,
  fromSlot,
  freed: zeroBallot,
  cookie: noCookie,
});

export const phase1b = (of: Ballot, change: Partial<Phase1b> = {}): Phase1b => ({
  kind: '1b',
  ballot: of,
  fromSlot: 1,
  nextSlot: undefined,
  firstSlot: 1,
  decidedThrough: 0,
  reported: [],
  ...change,
});

export const phase2a = (
  of: Ballot,
  slot: Slot,
  text: string | Value,
  change: Partial<Phase2a> = {},
): Phase2a => ({
  kind: '2a',
  ballot: of,
  base: 1,
  slot,
  value: typeof text === 'string' ? batch(text) : text,
  decidedThrough: 0,
  cookie: noCookie,
  ...change,
});

export const phase2b = (of: Ballot, through: Slot): Message => ({
  kind: '2b',
  ballot: of,
  through,
  payload: 0n,
});

export const heartbeat = (of: Ballot, change: Partial<Heartbeat> = {}): Heartbeat => ({
  kind: 'heartbeat',
  ballot: of,
  base: 1,
  decidedThrough: 0,
  round: 0,
  leaseMs: 0,
  ...change,
});

export const learnReply = (
  fromSlot: Slot,
  texts: readonly string[],
  change: Partial<LearnReply> = {},
): LearnReply => ({
  kind: 'learn-reply',
  fromSlot,
  values: texts.map(batch),
  firstSlot: 1,
  decidedThrough: fromSlot + texts.length - 1,
  ...change,
});

export const voted = (slot: Slot, of: Ballot, text: string): Reported => ({
  slot,
  state: 'voted',
  ballot: of,
  value: batch(text),
});
export const decided = (slot: Slot, text: string): Reported => ({
  slot,
  state: 'decided',
  value: batch(text),
});
export const lost = (slot: Slot, of: Ballot): Reported => ({ slot, state: 'lost', ballot: of });

// ---- what came out of a step

type SendEffect = Extract<Effect, { kind: 'send' }>;
type PersistEffect = Extract<Effect, { kind: 'persist' }>;

export const persistsOf = (effects: readonly Effect[]): readonly PersistEffect[] =>
  effects.filter((e) => e.kind === 'persist');

export const recordsOf = (effects: readonly Effect[]): readonly LogRecord[] =>
  persistsOf(effects).flatMap((e) => e.records);

/** Messages that leave at once. */
export const sentOf = (effects: readonly Effect[], to?: ReplicaId): readonly Message[] =>
  effects
    .filter((e): e is SendEffect => e.kind === 'send')
    .filter((e) => to === undefined || e.to === to)
    .map((e) => e.message);

/** Messages that wait for the log. */
export const heldOf = (effects: readonly Effect[], to?: ReplicaId): readonly Message[] =>
  persistsOf(effects)
    .flatMap((e) => e.then)
    .filter((s) => to === undefined || s.to === to)
    .map((s) => s.message);

export const executedOf = (effects: readonly Effect[]): readonly string[] =>
  effects.flatMap((e) => (e.kind === 'execute' ? [textOf(e.value)] : []));

export const alarmsOf = (effects: readonly Effect[]): readonly string[] =>
  effects.flatMap((e) => (e.kind === 'alarm' ? [e.what] : []));

export const kindsOf = (messages: readonly Message[]): readonly string[] =>
  messages.map((m) => m.kind);

/** Messages of one kind, with their type. */
export const only = <K extends Message['kind']>(
  messages: readonly Message[],
  kind: K,
): readonly (Message & { kind: K })[] =>
  messages.filter((m): m is Message & { kind: K } => m.kind === kind);
