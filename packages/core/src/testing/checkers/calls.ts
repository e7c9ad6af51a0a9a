/** A call that nobody has answered yet. */
export interface OpenCall {
  readonly what: string;
  readonly dueMs: number;
}

/** Every call is answered soon after its deadline, as long as its process runs (L6). */
export class CallChecker {
  readonly #open = new Set<OpenCall>();

  get open(): number {
    return this.#open.size;
  }

  begin(call: OpenCall): OpenCall {
    this.#open.add(call);
    return call;
  }

  end(call: OpenCall): void {
    this.#open.delete(call);
  }

  /** Whether every call that was due before this moment has been answered. */
  areNewerThan(momentMs: number): boolean {
    for (const { dueMs } of this.#open) if (dueMs < momentMs) return false;
    return true;
  }
}
