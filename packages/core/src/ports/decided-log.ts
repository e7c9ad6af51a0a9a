import type { GroupId, Membership, ReplicaId } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';

/**
 * The decided slots of a log that nobody has to have open: for what is done offline. Reading it
 * changes nothing. See `decidedLog` of `@rsl/log-file/inspect`.
 */
export interface DecidedLog {
  /** For people. */
  readonly where: string;
  /** The group's name, and whose log it is. */
  readonly name: string;
  readonly replica: ReplicaId;
  /** The newest configuration; undefined: it is of no group yet. */
  readonly membership: Membership | undefined;
  /** Of the set of members that the store agreed to form a group with (S10). */
  readonly group: GroupId | undefined;
  /** The first that is kept. */
  readonly firstSlot: Slot;
  /** The last that is known here to be decided; others of the group may know more. */
  readonly decidedThrough: Slot;
  /**
   * Gives the values of the slots from `from` to `to`, all known to be decided, in that order; goes
   * on when what `take` gives is resolved. A value's bytes are its taker's. RSL_LOG_TRUNCATED below
   * `firstSlot`, or if the log was cut meanwhile; RSL_LOG_CORRUPT; RSL_OVERLOADED if more than
   * 256 MiB would have to be kept to put them in order.
   */
  read(
    from: Slot,
    to: Slot,
    take: (slot: Slot, value: Value) => void | Promise<void>,
  ): Promise<void>;
}
