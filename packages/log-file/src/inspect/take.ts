/** Takes in the groups of a log, whosever they are, and tells what is in them. */
import type { LogRecord, Slot, StoreId } from '@rsl/core/protocol';
import type { Identity } from '../directory.ts';
import { ballotOf } from '../log-state.ts';
import type { Memory } from '../memory.ts';
import {
  ballotAt,
  decodeRecord,
  eachRecord,
  isOfSlot,
  leaseKind,
  type StoredGroupHeader,
  type StoredRecord,
} from '../record.ts';
import type { Segment } from '../segment.ts';
import {
  decodeOwner,
  firstSlotKind,
  lostDecidedKind,
  lostVoteKind,
  ownerKind,
  sharedIdentity,
  type SharedRecord,
} from '../shared/shared-record.ts';
import type { Damages } from './damages.ts';
import { Findings, type WantedSlots } from './findings.ts';
import type { FoundGroup, FoundRecord, InspectedStore } from './report.ts';

/** By owner; nothing at first. */
export type Wanted = ReadonlyMap<number, WantedSlots>;

const nothingWanted: WantedSlots = new Set();

/** The owner of every record in a log of one group. */
const onlyOwner = 0;

export class Taking {
  readonly #damages: Damages;
  readonly #wanted: Wanted;
  readonly #owners = new Map<number, Findings>();
  readonly #identity: Identity | undefined;
  /** What the last group says about segments that may be gone. */
  keepFrom = 1;

  constructor(identity: Identity | undefined, damages: Damages, wanted: Wanted) {
    this.#identity = identity;
    this.#damages = damages;
    this.#wanted = wanted;
  }

  /** Without an identity the records say it. */
  get isShared(): boolean {
    if (this.#identity === undefined) return [...this.#owners.keys()].some((n) => n !== onlyOwner);
    return isShared(this.#identity);
  }

  /** Of a log of one group: its segments are of one life each. */
  begin({ header: { store } }: Segment): void {
    const known = this.#owners.get(onlyOwner);
    if (known !== undefined) known.renew(store);
    else if (this.#identity !== undefined && !this.isShared) this.#addOnly(this.#identity, store);
  }

  /** Everything is read. */
  end(): void {
    if (this.#identity !== undefined) this.#owners.get(onlyOwner)?.renew(this.#identity.store);
  }

  take(
    segment: Segment,
    memory: Memory,
    at: number,
    header: StoredGroupHeader,
    lost: ReadonlySet<number>,
  ): FoundGroup {
    const { file } = segment;
    const records: FoundRecord[] = [];
    this.keepFrom = header.keepFrom;
    eachRecord(memory, at, header, (stored) => {
      const offset = header.offset + stored.at - at;
      const isLost = lost.has(stored.at);
      if (isLost) {
        const what = `the value of slot ${stored.slot} fails its checksum`;
        this.#damages.add(file, header.offset + stored.valueAt - at, what);
      }
      const record = this.#takeRecord(segment, stored, memory, header, isLost);
      const findings = this.#owners.get(stored.owner);
      if (record === undefined || findings === undefined) {
        this.#damages.add(file, offset, 'a record cannot be read');
      } else records.push({ record, group: findings.group, offset, copied: stored.copied });
      return true;
    });
    this.#takeHeader(header);
    return { file, offset: header.offset, number: header.number, records };
  }

  reports(): InspectedStore[] {
    return [...this.#owners.values()].map((findings) => findings.report());
  }

  lost(): Map<number, ReadonlySet<Slot>> {
    const all = [...this.#owners].map(([number, found]) => [number, new Set(found.lostSlots)]);
    return new Map((all as [number, Set<Slot>][]).filter(([, slots]) => slots.size > 0));
  }

  #findings(owner: number, entry: ConstructorParameters<typeof Findings>[0]): Findings {
    return new Findings(entry, this.#wanted.get(owner) ?? nothingWanted);
  }

  /** A mark stores nothing, and a carry only what was stored before. */
  #takeHeader({ carry, count, firstSlot, number }: StoredGroupHeader): void {
    const only = this.#owners.get(onlyOwner);
    if (only === undefined) return;
    only.forget(firstSlot);
    if (carry) only.position = Math.max(only.position, number - 1);
    else if (count > 0) only.position = number;
  }

  /** Undefined if it is malformed, or of nobody. */
  #takeRecord(
    segment: Segment,
    stored: StoredRecord,
    memory: Memory,
    header: StoredGroupHeader,
    isLost: boolean,
  ): FoundRecord['record'] | undefined {
    if (stored.kind === ownerKind) return this.#takeOwner(stored, memory);
    if (this.#identity === undefined && this.#owners.size === 0 && stored.owner === onlyOwner) {
      // With the identity the names of group and replica are lost.
      this.#addOnly({ group: '', replica: 0 }, segment.header.store);
    }
    const findings = this.#owners.get(stored.owner);
    if (findings === undefined) return undefined;
    if (stored.kind <= leaseKind && !header.carry && !stored.copied) {
      findings.position = header.number;
    }
    if (isOfSlot(stored)) return takeValue(findings, stored, memory, isLost);
    if (stored.kind > leaseKind) {
      return stored.owner === onlyOwner ? undefined : takeShared(findings, stored, memory);
    }
    const record = decodeRecord(memory, stored) as OfNoSlot | undefined;
    if (record !== undefined) findings.takeControl(record);
    return record;
  }

  #takeOwner(
    { owner: number, valueAt, length }: StoredRecord,
    memory: Memory,
  ): SharedRecord | undefined {
    const entry = decodeOwner(memory.bytes.subarray(valueAt, valueAt + length));
    if (entry === undefined || number === onlyOwner) return undefined;
    const known = this.#owners.get(number);
    if (known === undefined) this.#owners.set(number, this.#findings(number, entry));
    else if (known.group !== entry.group || known.replica !== entry.replica) return undefined;
    else known.takeEntry(entry);
    return { kind: 'owner', owner: entry };
  }

  #addOnly({ group, replica }: Pick<Identity, 'group' | 'replica'>, store: StoreId): void {
    const entry = { group, replica, store, firstSlot: 1, position: 0, copied: false };
    this.#owners.set(onlyOwner, this.#findings(onlyOwner, entry));
  }
}

type OfNoSlot = Exclude<LogRecord, { kind: 'vote' | 'decided' }>;

export const isShared = ({ group, replica }: Identity): boolean =>
  group === sharedIdentity.group && replica === sharedIdentity.self;

function takeValue(
  findings: Findings,
  stored: StoredRecord,
  memory: Memory,
  isLost: boolean,
): FoundRecord['record'] {
  const { slot, valueAt, length: bytes, checksum } = stored;
  const ballot = ballotOf(stored, memory);
  findings.takeValue(slot, ballot, stored.copied, isLost);
  const value = isLost ? undefined : memory.bytes.subarray(valueAt, valueAt + bytes);
  return { kind: ballot === undefined ? 'decided' : 'vote', slot, ballot, bytes, checksum, value };
}

function takeShared(
  findings: Findings,
  { at, kind, slot }: StoredRecord,
  memory: Memory,
): SharedRecord | undefined {
  switch (kind) {
    case firstSlotKind:
      findings.forget(slot);
      return { kind: 'first-slot', slot };
    case lostVoteKind: {
      const ballot = ballotAt(memory.view, at);
      findings.takeLost(slot, ballot);
      return { kind: 'lost-vote', slot, ballot };
    }
    case lostDecidedKind:
      findings.takeLost(slot, undefined);
      return { kind: 'lost-decided', slot };
    default:
      return undefined;
  }
}
