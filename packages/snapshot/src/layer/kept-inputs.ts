import type { Input } from '@rsl/core/protocol';

/**
 * What the protocol is to hear once a snapshot is in place. Of what says how things stand only the
 * last counts, so that nothing grows but reads: of those a bounded number is kept, and the callers
 * of the others wait as if nobody had answered. Answers for other layers are never lost; there are
 * no more of them than those layers have asked for.
 */
export class KeptInputs {
  readonly #inputsMax: number;
  #inputs = new Map<string, Input>();
  #answers = 0;

  constructor(inputsMax: number) {
    this.#inputsMax = inputsMax;
  }

  get size(): number {
    return this.#inputs.size;
  }

  add(input: Input): void {
    if (input.kind === 'forget-read' && this.#inputs.delete(`read ${input.read}`)) return;
    const key = this.#keyOf(input);
    if (input.kind === 'read' && this.#inputs.size >= this.#inputsMax) return;
    // The last of its kind is also the last in order.
    this.#inputs.delete(key);
    this.#inputs.set(key, input);
  }

  /** All of them, in order; none is kept any more. */
  take(): Input[] {
    const inputs = [...this.#inputs.values()];
    this.#inputs = new Map();
    return inputs;
  }

  #keyOf(input: Input): string {
    switch (input.kind) {
      case 'read':
        return `read ${input.read}`;
      case 'forget-read':
        return `forget-read ${input.read}`;
      case 'connection':
        return `connection ${input.with}`;
      case 'layer-answer':
        this.#answers += 1;
        return `layer-answer ${this.#answers}`;
      default:
        return input.kind;
    }
  }
}
