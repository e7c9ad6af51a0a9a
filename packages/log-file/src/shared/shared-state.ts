/**
 * What memory knows of a log that many replica groups share: one index for each of them, built by
 * one pass over the log when it is opened, and kept up by every write that is durable.
 */
import type { LogRecord, Slot } from '@rsl/core/protocol';
import { Catalog } from '../catalog.ts';
import { ballotOf } from '../log-state.ts';
import type { Memory } from '../memory.ts';
import {
  ballotAt,
  decodeRecord,
  eachRecord,
  type EncodedGroup,
  type FileRecord,
  groupOf,
  isOfSlot,
  leaseKind,
  type StoredGroupHeader,
  type StoredRecord,
} from '../record.ts';
import type { Segment } from '../segment.ts';
import { Live } from './live.ts';
import { Owner } from './owner.ts';
import {
  decodeOwner,
  firstSlotKind,
  lostDecidedKind,
  lostVoteKind,
  ownerKind,
} from './shared-record.ts';

/** New first slots that one group says: they fit in a block. */
const newsMax = 120;

export class SharedState extends Catalog {
  /** Of a group's header: each owner has its own. */
  readonly firstSlot: Slot = 1;
  readonly owners = new Map<number, Owner>();
  readonly live = new Live();
  /** Segments with lost values that nobody has noted elsewhere yet (S3). */
  readonly withLost = new Set<number>();
  /** What the newest segment begins with. */
  carriedBytes = 0;
  /** Whose first slot is not durable yet. */
  readonly #unsaid = new Set<Owner>();

  ownerOf(group: string): Owner | undefined {
    for (const owner of this.owners.values()) if (owner.group === group) return owner;
    return undefined;
  }

  get nextOwner(): number {
    return Math.max(0, ...this.owners.keys()) + 1;
  }

  /** It is there as long as something in it counts. */
  segmentAt(sequence: number): Segment {
    const [oldest] = this.segments;
    return this.segments[sequence - (oldest as Segment).sequence] as Segment;
  }

  truncate(owner: Owner, before: Slot): void {
    owner.forgottenBefore = before;
    this.#unsaid.add(owner);
  }

  keepFrom(): number {
    for (const { sequence } of this.segments) {
      if (this.live.in(sequence) > 0 || this.withLost.has(sequence)) return sequence;
    }
    return this.current.sequence;
  }

  carried(): EncodedGroup {
    const records: FileRecord[] = [];
    const owners: number[] = [];
    for (const owner of this.owners.values()) {
      records.push({ kind: 'owner', owner: owner.entry }, ...owner.kept.records());
      while (owners.length < records.length) owners.push(owner.number);
    }
    const group = groupOf(records, owners);
    this.carriedBytes = group.bytes;
    return group;
  }

  news(): EncodedGroup | undefined {
    if (this.#unsaid.size === 0) return undefined;
    const owners = [...this.#unsaid].slice(0, newsMax);
    const records = owners.map((owner): FileRecord => {
      return { kind: 'first-slot', slot: owner.forgottenBefore };
    });
    return groupOf(
      records,
      owners.map(({ number }) => number),
    );
  }

  isUnsaid(): boolean {
    return this.#unsaid.size > 0;
  }

  takeIn(
    segment: Segment,
    memory: Memory,
    at: number,
    header: StoredGroupHeader,
    lost?: ReadonlySet<number>,
  ): boolean {
    // Later segments repeat what the ones before them have said already.
    const isRepeated = header.carry && segment !== this.segments[0];
    const sound =
      isRepeated ||
      eachRecord(memory, at, header, (record) => {
        const isLost = lost?.has(record.at) ?? false;
        return this.#take(segment, record, memory, at, header, isLost);
      });
    if (header.carry) this.carriedBytes = header.length;
    this.number = header.number + 1;
    segment.end = header.offset + header.length;
    return sound;
  }

  #take(
    segment: Segment,
    record: StoredRecord,
    memory: Memory,
    at: number,
    header: StoredGroupHeader,
    isLost: boolean,
  ): boolean {
    const { kind, slot, copied } = record;
    if (kind === ownerKind) return this.#takeOwner(segment, record, memory, header);
    const owner = this.owners.get(record.owner);
    if (owner === undefined) return false;
    if (kind <= leaseKind && !header.carry && !copied) {
      owner.takeAppend({ segment: segment.sequence, offset: header.offset }, header.number);
    }
    if (isOfSlot(record)) {
      const ballot = ballotOf(record, memory);
      if (isLost) this.#lose(segment, owner, slot, ballot, copied);
      else {
        const { length, checksum } = record;
        const offset = header.offset + record.valueAt - at;
        const { sequence } = segment;
        owner.takeValue({ slot, ballot, segment: sequence, offset, length, checksum, copied });
      }
    } else if (kind === firstSlotKind) {
      owner.forget(slot);
      if (owner.firstSlot >= owner.forgottenBefore) this.#unsaid.delete(owner);
    } else if (kind === lostVoteKind) {
      this.#lose(segment, owner, slot, ballotAt(memory.view, record.at), true);
    } else if (kind === lostDecidedKind) this.#lose(segment, owner, slot, undefined, true);
    else return takeControl(owner, decodeRecord(memory, record));
    return true;
  }

  #takeOwner(
    { sequence }: Segment,
    { owner: number, valueAt, length }: StoredRecord,
    memory: Memory,
    { offset }: StoredGroupHeader,
  ): boolean {
    const entry = decodeOwner(memory.bytes.subarray(valueAt, valueAt + length));
    if (entry === undefined) return false;
    const known = this.owners.get(number);
    if (known !== undefined) {
      if (known.group !== entry.group || known.replica !== entry.replica) return false;
      known.takeEntry(entry, { segment: sequence, offset });
    } else this.owners.set(number, new Owner(number, entry, this.live));
    return true;
  }

  #lose(
    { sequence }: Segment,
    owner: Owner,
    slot: Slot,
    ballot: ReturnType<typeof ballotOf>,
    copied: boolean,
  ): void {
    owner.takeLost(slot, ballot, copied);
    this.withLost.add(sequence);
  }
}

function takeControl(owner: Owner, record: LogRecord | undefined): boolean {
  if (record !== undefined) owner.kept.take(record);
  return record !== undefined;
}
