import type { ReplicaId } from '../../paxos/membership.ts';

/**
 * Which members have lost something that was durable. A group bears that for a minority of them;
 * beyond it only this is demanded, that nothing wrong is answered.
 */
export class LossAccount {
  readonly #bearable: number;
  readonly #members = new Set<ReplicaId>();
  readonly #wiped = new Set<ReplicaId>();
  #isOpen = false;

  /** `beyond`: more than a minority may lose something in this seed. */
  constructor(members: number, beyond: boolean) {
    this.#bearable = beyond ? members : Math.floor((members - 1) / 2);
  }

  /** The group is formed: before that nobody may lose what all have agreed on. */
  open(): void {
    this.#isOpen = true;
  }

  mayLose(id: ReplicaId): boolean {
    if (!this.#isOpen) return false;
    return this.#members.has(id) || this.#members.size < this.#bearable;
  }

  lose(id: ReplicaId): void {
    this.#members.add(id);
  }

  /** Its store is another one now, which has no vote (S2). */
  wipe(id: ReplicaId): void {
    this.#members.add(id);
    this.#wiped.add(id);
  }

  isWiped(id: ReplicaId): boolean {
    return this.#wiped.has(id);
  }
}
