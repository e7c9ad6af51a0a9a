import { inFile, type Mutant } from '../mutant.ts';

const stories = 'packages/core/test/paxos/leases.test.ts';
const property = 'packages/core/test/properties/leases.test.ts';
const grantor = 'packages/core/src/paxos/grantor.test.ts';
const replica = 'packages/core/src/paxos/replica.ts';
const watch = 'packages/core/src/host/suspend-watch.test.ts';
const host = 'packages/core/src/host/host.test.ts';

const held = inFile(
  'packages/core/src/paxos/lease.ts',
  ['packages/core/src/paxos/lease.test.ts', stories],
  [
    {
      name: 'drift',
      rule: 'Q2',
      find: '(forMs * (1 - drift)) / (1 + drift) - suspendMarginMs',
      replace: 'forMs - suspendMarginMs',
      killers: [property],
    },
    {
      name: 'drift of one clock only',
      rule: 'Q2',
      find: '(forMs * (1 - drift)) / (1 + drift)',
      replace: 'forMs * (1 - drift)',
      killers: [property],
    },
    {
      name: 'a suspend that nobody noticed is not allowed for',
      rule: 'Q2',
      find: '/ (1 + drift) - suspendMarginMs',
      replace: '/ (1 + drift)',
    },
    {
      name: 'a lease that was given up is held',
      rule: 'Q2',
      find: 'if (this.#terms === undefined || this.#isGivenUp) return -Infinity;',
      replace: 'if (this.#terms === undefined) return -Infinity;',
    },
    {
      name: 'whoever gave its lease up asks for another',
      rule: 'Q2',
      find: 'return this.#isGivenUp ? 0 : (this.#terms?.forMs ?? 0);',
      replace: 'return this.#terms?.forMs ?? 0;',
    },
    {
      name: 'one grant is enough',
      rule: 'Q2, P5',
      find: 'return this.#quorum.reached(grantedAt) +',
      replace: 'return Math.max(...this.#grantedAtMs.values(), -Infinity) +',
      killers: ['packages/core/src/paxos/lease.test.ts'],
    },
    {
      name: 'a late grant takes a newer one back',
      rule: 'Q2, L6',
      find: 'Math.max(this.#grantedAtMs.get(from) ?? -Infinity, sentAtMs)',
      replace: 'sentAtMs',
    },
  ],
);

const asked = [
  ...inFile(
    'packages/core/src/paxos/leader-reads.ts',
    [stories, property],
    [
      {
        name: 'lease measured from receipt instead of send',
        rule: 'Q2',
        find: 'this.lease.onGrant(from, this.#sentAtMs.get(round) ?? -Infinity);',
        replace: 'this.lease.onGrant(from, this.#sentAtMs.get(this.#round) ?? -Infinity);',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/paxos/proposer.ts',
    [stories],
    [
      {
        name: 'whoever proposes a stop keeps its lease',
        rule: 'Q2, R10',
        find: 'this.#reads?.lease.giveUp();',
        replace: '',
      },
      {
        name: 'grants of another ballot count',
        rule: 'Q2',
        find: `onGrant(from: ReplicaId, { ballot, round }: Grant): void {
    if (this.#reads === undefined || !sameBallot(ballot, this.#ballot)) return;`,
        replace: `onGrant(from: ReplicaId, { round }: Grant): void {
    if (this.#reads === undefined) return;`,
      },
    ],
  ),
  ...inFile(
    'packages/core/src/paxos/hand-over.ts',
    [stories],
    [
      {
        name: 'whoever offers its place keeps its lease',
        rule: 'Q2, L4',
        find: 'this.#proposer.reads?.lease.giveUp();',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/paxos/reading.ts',
    [stories],
    [
      {
        name: 'a leader that has not recovered reads by its lease',
        rule: 'Q2',
        find: 'if (hasRecovered && reads?.lease.isHeld(nowMs)) {',
        replace: 'if (reads?.lease.isHeld(nowMs)) {',
      },
      {
        name: 'a read by lease does not wait for what was decided',
        rule: 'Q2',
        find: 'for (const { from, number } of asked) this.#answer(from, number, target, out);',
        replace: 'for (const { from, number } of asked) this.#answer(from, number, barrier, out);',
      },
    ],
  ),
];

const granted = inFile(
  'packages/core/src/paxos/grantor.ts',
  [grantor, stories],
  [
    {
      name: 'a grant is not written',
      rule: 'Q2, P2',
      find: "if (leaseMs > this.#rememberedMs) records.push({ kind: 'lease', leaseMs });",
      replace: '',
    },
    {
      name: 'a restarted grantor',
      rule: 'Q2, S2',
      find: 'if (nowMs < this.#startUntilMs) return false;',
      replace: '',
    },
    {
      name: 'a deposed leader takes the lease of its successor',
      rule: 'Q2',
      find: 'if (compareBallots(ballot, this.#ballot) < 0) return;',
      replace: '',
    },
    {
      name: 'a shorter lease ends a longer one',
      rule: 'Q2',
      find: 'Math.max(this.#untilMs, nowMs + leaseMs)',
      replace: 'nowMs + leaseMs',
    },
    {
      name: 'a lease of any length is granted',
      rule: 'L6',
      find: 'if (leaseMs === 0 || leaseMs >= this.#options.electionTimeoutMsMin) return;',
      replace: 'if (leaseMs === 0) return;',
    },
    {
      name: 'release honoured in the next lease',
      rule: 'L4',
      find: 'if (sameBallot(ballot, this.#ballot)) this',
      replace: 'if (ballot.round > 0) this',
    },
    {
      name: 'a leader is not promised by whoever granted it a lease',
      rule: 'L1',
      find: 'return nowMs >= this.#untilMs || this.#ballot.proposer === proposer;',
      replace: 'return nowMs >= this.#untilMs;',
    },
  ],
);

const keeping = inFile(
  replica,
  [stories],
  [
    {
      name: 'grantor promises',
      rule: 'Q2',
      find: 'if (!this.grantor.isFree(from, nowMs)) return;\n    if (!this.acceptor.on1a',
      replace: 'if (!this.acceptor.on1a',
    },
    {
      name: 'grantor stands',
      rule: 'Q2',
      find: 'if (!this.grantor.isFree(this.#settings.self, nowMs)) return;\n    this.#follow',
      replace: 'this.#follow',
    },
    {
      name: 'grantor lets another stand',
      rule: 'Q2, L1',
      find: 'if (!this.#mayVote || !this.grantor.isFree(from, nowMs)) return;',
      replace: 'if (!this.#mayVote) return;',
    },
    {
      name: 'an heir is not freed from the lease of its leader',
      rule: 'L4',
      find: 'this.grantor.release(freed);',
      replace: '',
    },
    {
      name: 'an heir does not tell that others are free',
      rule: 'L4',
      find: 'this.proposer.startPhase1(this.#maxRound, nowMs, this.#out, freed);',
      replace: 'this.proposer.startPhase1(this.#maxRound, nowMs, this.#out);',
    },
    {
      name: 'a suspend is not heeded',
      rule: 'Q2',
      find: 'return this.proposer.reads?.lease.giveUp();',
      replace: 'return;',
    },
    {
      name: 'whoever has promised more grants a lease',
      rule: 'Q2',
      find: 'if (!this.#isCurrent(ballot)) {\n      if (!this.#mayVote) return;',
      replace:
        'if (!this.#isCurrent(ballot)) {\n' +
        '      this.grantor.onHeartbeat(message, nowMs, this.#out);\n' +
        '      if (!this.#mayVote) return;',
    },
  ],
);

const suspends = [
  ...inFile(
    'packages/core/src/host/suspend-watch.ts',
    [watch],
    [
      {
        name: 'short suspends add up to a long one',
        rule: 'Q2',
        find: 'this.#aheadMsMin = isAhead ? aheadMs : Math.min(aheadMsMin, aheadMs);',
        replace: 'this.#aheadMsMin = aheadMs;',
      },
      {
        name: 'the wall clock is read before the monotonic one',
        rule: 'Q2',
        find: `const nowMs = this.#clock.nowMs();
      const aheadMs = this.#clock.wallMs() - nowMs;`,
        replace: `const wallMs = this.#clock.wallMs();
      const nowMs = this.#clock.nowMs();
      const aheadMs = wallMs - nowMs;`,
      },
      {
        name: 'a thread that is held up looks like a suspend',
        rule: 'L6',
        find: 'if (isAhead && reading < readingsMax) continue;',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/host/host.ts',
    [host],
    [
      {
        name: 'a suspend is never told',
        rule: 'Q2',
        find: 'if (suspends?.take()) {',
        replace: 'if (nowMs < 0) {',
      },
    ],
  ),
];

const stored = [
  ...inFile(
    'packages/core/src/host/recovery.ts',
    ['packages/core/test/host/remembering.test.ts'],
    [
      {
        name: 'the newest lease is waited for, not the longest',
        rule: 'Q2, S2',
        find: 'this.leaseMs = Math.max(this.leaseMs, record.leaseMs);',
        replace: 'this.leaseMs = record.leaseMs;',
      },
    ],
  ),
  ...inFile(
    'packages/log-file/src/kept.ts',
    ['packages/log-file/test/leases.test.ts'],
    [
      {
        name: 'the longest lease goes with its segment',
        rule: 'Q2, P11',
        find: 'if (this.#lease !== undefined) records.push(this.#lease);',
        replace: '',
      },
      {
        name: 'the newest lease takes the place of the longest',
        rule: 'Q2, P11',
        find: 'if (record.leaseMs >= (this.#lease?.leaseMs ?? 0)) this.#lease = record;',
        replace: 'this.#lease = record;',
      },
    ],
  ),
];

const atLeast = [
  ...inFile(
    'packages/core/src/host/barriers.ts',
    ['packages/core/src/host/barriers.test.ts'],
    [
      {
        name: 'whoever gives up a read at a slot is kept until that comes',
        rule: 'Q3, L6',
        find: 'if (waiter.atLeast !== undefined) this.#leave(waiter.atLeast, waiter);',
        replace: '',
      },
      {
        name: 'a read at a slot has no deadline',
        rule: 'Q3',
        find: 'for (const waiters of this.#bySlot.values()) yield* waiters;',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/host/local-application.ts',
    ['packages/core/src/host/local-application.test.ts'],
    [
      {
        name: 'a read at a slot is not told that it is executed',
        rule: 'Q3',
        find: 'this.#barriers.executed(slot);',
        replace: '',
      },
      {
        name: 'a read at a slot is answered before it is executed',
        rule: 'Q3',
        find: 'this.#execution.execute(slot, value, live);',
        replace: 'this.#barriers.executed(slot);\n    this.#execution.execute(slot, value, live);',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/host/local-application.ts',
    ['packages/core/test/read-levels.test.ts'],
    [
      {
        name: 'a slot that is executed is waited for',
        rule: 'Q3',
        find: 'if (executedThrough >= wanted) return executedThrough;',
        replace: '',
      },
    ],
  ),
];

export const leaseMutants: readonly Mutant[] = [
  ...held,
  ...asked,
  ...granted,
  ...keeping,
  ...suspends,
  ...stored,
  ...atLeast,
];
