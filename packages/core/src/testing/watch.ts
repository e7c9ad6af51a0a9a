import type { LogRecord } from '../paxos/log-record.ts';
import { AgreementChecker, type ExecutedBatch } from './checkers/agreement.ts';
import { CallChecker } from './checkers/calls.ts';
import { check } from './checkers/check-failed.ts';
import { DecisionChecker } from './checkers/decisions.ts';
import { OutcomeChecker } from './checkers/outcomes.ts';
import { ReadChecker } from './checkers/reads.ts';
import { RevelationChecker } from './checkers/revelations.ts';
import { ShelfWatch } from './shelf-watch.ts';
import type { SimProcess } from './sim-process.ts';

/** Sees everything that is executed, stored and said, and has every checker judge it. */
export class Watch {
  readonly agreement = new AgreementChecker();
  readonly outcomes = new OutcomeChecker();
  readonly reads = new ReadChecker();
  readonly calls = new CallChecker();
  readonly decisions: DecisionChecker;
  readonly shelves = new ShelfWatch();
  readonly #revelations: RevelationChecker;
  readonly #wiped = new Set<number>();
  readonly #failed: (error: unknown) => void;

  constructor(members: number, failed: (error: unknown) => void) {
    this.decisions = new DecisionChecker(members);
    this.#revelations = new RevelationChecker(this.decisions);
    this.#failed = failed;
  }

  /** Its disk is another one now, or the first one. */
  onDisk(process: SimProcess): void {
    const { id, disk } = process;
    disk.onKept = (record) => this.guarded(() => this.#onKept(id, record));
    this.shelves.onMedium(process, (run) => this.guarded(run));
  }

  /** Its store is lost for good: what comes instead is no member (S2). */
  onWiped(id: number): void {
    this.#wiped.add(id);
  }

  onExecuted(id: number, executed: ExecutedBatch, commands: readonly number[]): void {
    this.guarded(() => {
      this.decisions.onExecuted(id, executed.slot, executed.checksum);
      if (!this.agreement.onExecuted(id, executed)) return;
      for (const [offset, command] of commands.entries()) {
        this.outcomes.onExecuted(command, { slot: executed.slot, offset });
      }
    });
  }

  onFrame(process: SimProcess, frame: Uint8Array): void {
    this.guarded(() => this.#revelations.onFrame(process.id, process, frame));
  }

  /** What a check says must not disturb the code that is checked. */
  guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failed(error);
    }
  }

  #onKept(id: number, record: LogRecord): void {
    const { kind } = record;
    check(!this.#wiped.has(id) || (kind !== 'vote' && kind !== 'promise'), () => {
      return `the store of replica ${id} is no member, and says: ${kind} (S2)`;
    });
    this.decisions.onKept(id, record);
  }
}
