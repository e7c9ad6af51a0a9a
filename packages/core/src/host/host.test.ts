import { expect, test } from 'vitest';
import type { Leadership } from '../api.ts';
import { sealed } from '../codec/checksum.ts';
import { FrameWriter } from '../codec/frame.ts';
import { fingerprintOf } from '../codec/membership-codec.ts';
import { hostMessageKinds, writeHostMessage } from '../codec/host-codec.ts';
import { messageKinds, writeMessage } from '../codec/message-codec.ts';
import { defaultLimits, defaultSlow, defaultTimings, type Limits } from '../limits.ts';
import type { Ballot } from '../paxos/ballot.ts';
import type { Effect } from '../paxos/effect.ts';
import type { Member, Membership } from '../paxos/membership.ts';
import type { Message } from '../paxos/messages.ts';
import { type Protocol, type ReplicaView, restoredEmpty } from '../paxos/protocol.ts';
import { silentLogger } from '../ports/logger.ts';
import type { LogInfo, LogStore } from '../ports/log-store.ts';
import { DigestMachine } from '../testing/digest-machine.ts';
import { MachineClock, SimClock, SimWorld } from '../testing/sim-world.ts';
import { Host } from './host.ts';
import { LocalApplication } from './local-application.ts';
import { measuresOf } from './measures.ts';

const member = (id: number): Member => ({
  id,
  store: `000000000000000${id}`,
  role: 'voter',
  addresses: {},
});
const membership: Membership = {
  group: 'aaaaaaaaaaaaaaaa',
  number: 1,
  firstSlot: 1,
  members: [1, 2, 3].map(member),
  previous: [],
};
const ballot: Ballot = { configuration: 1, round: 1, proposer: 2 };
const value = sealed(new Uint8Array(1_000).fill(1));

/** A log whose writes last until they are let go. */
class SlowLog implements Partial<LogStore> {
  readonly held: (() => void)[] = [];
  readonly reads: number[] = [];
  isHolding = false;
  bytesFree = Infinity;
  created = true;
  renewals = 0;

  info(): LogInfo {
    return {
      store: member(1).store,
      created: this.created,
      firstSlot: 1,
      position: 0,
      bytesFree: this.bytesFree,
    } as LogInfo;
  }

  append(_: unknown, done: () => void): void {
    if (this.isHolding) this.held.push(done);
    else queueMicrotask(done);
  }

  read(from: number): Promise<never[]> {
    this.reads.push(from);
    return Promise.resolve([]);
  }

  renew(): Promise<string> {
    this.renewals += 1;
    return new Promise(() => {});
  }

  letGo(): void {
    this.isHolding = false;
    for (const done of this.held.splice(0)) done();
  }
}

/** Answers every message with the effects that the test wants. */
class Scripted implements Protocol {
  readonly heard: Message[] = [];
  /** What it was told of the log's room. */
  readonly full: boolean[] = [];
  /** Inputs of any kind, and the time that came with them. */
  readonly inputs: { readonly kind: string; readonly nowMs: number }[] = [];
  effects: Effect[] = [];
  view: ReplicaView = {
    role: 'follower',
    ballot,
    promised: ballot,
    voter: true,
    leader: undefined,
    membership,
    firstSlot: 1,
    releasedThrough: 0,
    executedThrough: 0,
    proposedThrough: 0,
    room: 0,
  };

  isIdle = false;

  step(input: Parameters<Protocol['step']>[0], nowMs: number): readonly Effect[] {
    this.inputs.push({ kind: input.kind, nowMs });
    if (input.kind === 'storage') this.full.push(input.full);
    if (input.kind !== 'message') return [];
    this.heard.push(input.message);
    return this.effects;
  }
}

async function stage(limits: Partial<Limits> = {}, log = new SlowLog()) {
  const world = new SimWorld();
  const machine = new MachineClock(world);
  const protocol = new Scripted();
  const leaderships: Leadership[] = [];
  const info = log.info();
  const remembered = {
    info,
    restored: restoredEmpty,
    membership,
    bootstrap: membership,
    starts: 0,
    nonce: 0,
    standings: [],
  };
  const merged = { ...defaultLimits, ...limits };
  const timings = defaultTimings;
  const clock = new SimClock(world, machine);
  const measures = measuresOf({ slow: defaultSlow, limits: merged, timings }, clock, silentLogger);
  const application: LocalApplication = new LocalApplication({
    self: 1,
    epoch: 1,
    limits: merged,
    skip: new Set<number>(),
    clock,
    stateMachine: new DigestMachine(),
    metrics: measures.metrics,
    emit: (event, what) => {
      if (event === 'leading') leaderships.push(what as Leadership);
    },
    engine: () => host,
  });
  const host = new Host({
    ...measures,
    application,
    group: 'tested',
    self: 1,
    limits: merged,
    timings,
    clock,
    logger: silentLogger,
    log: log as unknown as LogStore,
    remembered,
    makeProtocol: () => protocol,
    layers: new Map(),
    peers: [],
    epoch: 1,
    watchesSuspends: true,
  });
  const endpoint = { peers() {}, send: () => true, queuedBytes: () => 0, close() {} };
  host.start(() => endpoint, remembered.restored);
  // A new store is admitted once its start is durable.
  await world.run(world.nowMs + 1);
  const hear = async (message: Message): Promise<void> => {
    host.frame({ id: 2, store: member(2).store }, frameOf(message));
    await world.run(world.nowMs + 1);
  };
  return { application, host, log, machine, protocol, hear, world, leaderships };
}

function frameOf(message: Message): Uint8Array {
  const writer = new FrameWriter();
  const [channel, kind] = messageKinds[message.kind];
  const { group, number: configuration } = membership;
  writer.begin(channel, kind, { group, configuration, fingerprint: fingerprintOf(membership) });
  writeMessage(message, writer);
  return new Uint8Array(Buffer.concat(writer.end()));
}

/** What member 2 remembers of this store, which is in its start 1. */
function recalled(contradicts: boolean): Uint8Array {
  const writer = new FrameWriter();
  const [channel, kind] = hostMessageKinds.recalled;
  writer.begin(channel, kind, { group: membership.group, configuration: 1, fingerprint: 0 });
  writeHostMessage({ kind: 'recalled', nonce: 1, contradicts, position: 9 }, writer);
  return new Uint8Array(Buffer.concat(writer.end()));
}

/** A store that was there before: it is to ask what is remembered of it. */
function oldLog(): SlowLog {
  const log = new SlowLog();
  log.created = false;
  return log;
}

const request: Message = { kind: 'learn-request', fromSlot: 1, bytesMax: 100 };
const phase2a = (slot: number): Message => ({
  kind: '2a',
  ballot,
  base: 1,
  slot,
  value,
  decidedThrough: 0,
  cookie: new Uint8Array(0),
});
const heartbeat: Message = {
  kind: 'heartbeat',
  ballot,
  base: 1,
  decidedThrough: 0,
  round: 1,
  leaseMs: 0,
};

test('the log is read for others only once what was released is durable', async () => {
  // A slot may be released while its decided value waits behind a stalled disk, and the log still
  // shows an older vote: whoever was given that as decided would disagree for ever.
  const { log, protocol, hear, world } = await stage();
  log.isHolding = true;
  const slots = { fromSlot: 1, through: 1, bytesMax: 100, firstSlot: 1, decidedThrough: 1 };
  protocol.effects = [
    { kind: 'persist', records: [{ kind: 'decided', slot: 1, value }], then: [] },
    { kind: 'serve', to: 2, ...slots },
  ];
  await hear(request);
  expect(log.reads).toEqual([]);
  log.letGo();
  await world.run(world.nowMs + 1);
  expect(log.reads).toEqual([1]);
});

test('behind a stalled disk nothing more is taken in that would have to be written', async () => {
  // Values wait in memory until they are durable: a follower must not keep a group's whole load.
  const { host, log, protocol, hear } = await stage({ logQueueBytesMax: 2_500 });
  log.isHolding = true;
  for (let slot = 1; slot <= 10; slot += 1) {
    protocol.effects = [
      { kind: 'persist', records: [{ kind: 'vote', slot, vote: { ballot, value } }], then: [] },
    ];
    await hear(phase2a(slot));
  }
  expect(protocol.heard).toHaveLength(3);
  expect(host.counters().framesWhileLogIsFull).toBe(7);
  // Whoever leads is still heard, or this follower would stand against it.
  await hear(heartbeat);
  expect(protocol.heard.at(-1)?.kind).toBe('heartbeat');
  log.letGo();
  await hear(phase2a(4));
  expect(protocol.heard.at(-1)).toMatchObject({ kind: '2a', slot: 4 });
});

test('without room a leader refuses commands, and a follower takes no values (S5)', async () => {
  // What is left is for what was begun already, and it goes on by itself once there is room.
  const { application, log, protocol, hear, world } = await stage({ logReserveBytes: 1_000 });
  const propose = (): unknown =>
    application.propose([new Uint8Array(1)], { result() {}, error() {} }, 1e9);
  log.bytesFree = 999;
  await world.run(world.nowMs + 20);
  expect(protocol.full).toEqual([true]);
  await hear(phase2a(1));
  expect(protocol.heard).toHaveLength(1);
  protocol.view = { ...protocol.view, role: 'phase2' };
  expect(propose).toThrowError(expect.objectContaining({ code: 'RSL_STORAGE_FULL' }) as Error);

  log.bytesFree = 499;
  await world.run(world.nowMs + 20);
  await hear(phase2a(2));
  await hear(heartbeat);
  expect(protocol.heard.map(({ kind }) => kind)).toEqual(['2a', 'heartbeat']);

  log.bytesFree = 2_000;
  await world.run(world.nowMs + 20);
  expect(protocol.full).toEqual([true, false]);
  expect(propose).not.toThrow();
  await hear(phase2a(3));
  expect(protocol.heard).toHaveLength(3);
});

test('what was low before it was admitted is told once it is (S5)', async () => {
  // Otherwise it says that it has room, takes the lead, and keeps it without taking a command.
  const { host, log, protocol, world } = await stage({ logReserveBytes: 1_000 }, oldLog());
  log.bytesFree = 999;
  await world.run(world.nowMs + 50);
  expect(host.protocol).toBeUndefined();
  host.frame({ id: 2, store: member(2).store }, recalled(false));
  await world.run(world.nowMs + 100);
  expect(host.protocol).toBe(protocol);
  expect(protocol.full).toEqual([true]);
});

test('an older copy takes no part while it is renewed, whoever admits it (S2a)', async () => {
  // Its start may be on its way to the log already.
  const { host, log, protocol, world } = await stage({}, oldLog());
  log.isHolding = true;
  host.frame({ id: 2, store: member(2).store }, recalled(false));
  await world.run(world.nowMs + 50);
  host.frame({ id: 2, store: member(2).store }, recalled(true));
  log.letGo();
  await world.run(world.nowMs + 100);
  expect(log.renewals).toBe(1);
  expect(host.protocol).toBeUndefined();
  expect(protocol.heard).toEqual([]);
});

test('who is contradicted after it was admitted says no more (S2a)', async () => {
  const { host, leaderships, log, protocol, hear, world } = await stage({}, oldLog());
  protocol.effects = [{ kind: 'leading', ballot }];
  host.frame({ id: 2, store: member(2).store }, recalled(false));
  await world.run(world.nowMs + 50);
  await hear(heartbeat);
  expect(protocol.heard).toHaveLength(1);
  expect(leaderships.map(({ signal }) => signal.aborted)).toEqual([false]);
  host.frame({ id: 2, store: member(2).store }, recalled(true));
  expect(leaderships.map(({ signal }) => signal.aborted)).toEqual([true]);
  await hear(heartbeat);
  expect(log.renewals).toBe(1);
  expect(protocol.heard).toHaveLength(1);
});

test('a frame that is none is thrown back at the transport, which then closes', async () => {
  const { host } = await stage();
  const damaged = frameOf(heartbeat);
  damaged[40] = (damaged[40] ?? 0) ^ 1;
  const from = { id: 2, store: member(2).store };
  expect(() => host.frame(from, damaged)).toThrowError(
    expect.objectContaining({ code: 'RSL_FRAME_INVALID' }) as Error,
  );
  expect(host.isStopped).toBe(false);
});

test('votes of a store that the configuration does not name are not heard (S2)', async () => {
  const { host, protocol, world } = await stage();
  host.frame({ id: 2, store: 'ffffffffffffffff' }, frameOf(heartbeat));
  await world.run(world.nowMs + 1);
  expect(protocol.heard).toEqual([]);
  expect(host.counters().framesOfNoMember).toBe(1);
});

test('a suspend is told before anything else that came meanwhile, once (Q2)', async () => {
  // The monotonic clock did not count it: whoever goes by that alone believes that no time passed.
  const { protocol, machine, hear, host, world } = await stage();
  await world.run(100);
  machine.suspend(5_000);
  protocol.inputs.length = 0;
  const heard = hear(request);
  await world.run(world.nowMs + 5_100);
  await heard;
  const [first, second] = protocol.inputs;
  expect(first).toMatchObject({ kind: 'suspended', nowMs: second?.nowMs });
  expect(first?.nowMs).toBeLessThan(200);
  expect(protocol.inputs.filter(({ kind }) => kind === 'suspended')).toHaveLength(1);
  expect(host.counters()).toMatchObject({ suspends: 1 });
});
