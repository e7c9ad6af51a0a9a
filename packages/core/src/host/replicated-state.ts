import { requires } from '@rsl/contracts';
import { FrameError } from '../errors.ts';
import { compareBallots } from '../paxos/ballot.ts';
import type { Slot } from '../paxos/slot.ts';
import type { ReplicatedState } from '../ports/layer.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import { LoadFailedError } from '../state-machine-errors.ts';
import type { Execution } from './execution.ts';
import { encodeImageHeader, type ImageHeader, ImageReader } from './image.ts';
import { SavedImage } from './saved-image.ts';

/** State machine, sessions, group time and ballots: all that executing slots has made (P9). */
export class ExecutedState implements ReplicatedState {
  readonly #execution: Execution;
  readonly #machine: Pick<StateMachine, 'load' | 'save'>;
  #isLoading = false;

  constructor(execution: Execution, machine: Pick<StateMachine, 'load' | 'save'>) {
    this.#execution = execution;
    this.#machine = machine;
  }

  /** What the state machine holds is no state now: nobody executes or asks. */
  get isLoading(): boolean {
    return this.#isLoading || this.#execution.isStateless;
  }

  get executedThrough(): Slot {
    return this.#execution.executedThrough;
  }

  get timeMs(): number {
    return this.#execution.timeMs;
  }

  get canSave(): boolean {
    return !this.isLoading && !this.#execution.isAhead;
  }

  save(): SavedImage {
    requires(() => this.canSave, 'image-1 what is saved is the state after one slot (P9)');
    const { executedThrough: slot, timeMs, sealedIn, sessions } = this.#execution;
    const header = encodeImageHeader({ slot, timeMs, sealedIn, sessions });
    return new SavedImage(header, this.#machine.save());
  }

  async load(slot: Slot, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    requires(() => !this.#isLoading, 'image-2 one image is loaded at a time');
    this.#isLoading = true;
    const image = new ImageReader(chunks);
    try {
      const header = await image.header();
      this.#check(slot, header);
      // What it has made durable by itself may be newer than the image: then it stays.
      if (!this.#execution.reflects(slot)) await this.#loadMachine(slot, image);
      this.#execution.install(slot, header);
    } finally {
      this.#isLoading = false;
      await image.close();
    }
  }

  /** Nothing has changed yet. */
  #check(slot: Slot, { slot: found, timeMs, sealedIn }: ImageHeader): void {
    const execution = this.#execution;
    if (found !== slot) throw new FrameError(`an image of slot ${found}, not of ${slot}`);
    if (slot <= execution.executedThrough) {
      throw new FrameError(`an image of slot ${slot}, which was executed before`);
    }
    if (timeMs < execution.timeMs || compareBallots(sealedIn, execution.sealedIn) < 0) {
      throw new FrameError('an image in which time or ballots go back');
    }
  }

  async #loadMachine(slot: Slot, image: ImageReader): Promise<void> {
    try {
      await this.#machine.load(image.rest());
    } catch (error) {
      throw new LoadFailedError(slot, error);
    }
  }
}
