import type { Outcome } from '../../errors.ts';
import { check } from './check-failed.ts';

/** Where a command was executed. */
export interface Position {
  readonly slot: number;
  readonly offset: number;
}

/**
 * What callers were told, against what was executed: nothing twice, nothing that was denied, and
 * nothing acknowledged that was not executed.
 */
export class OutcomeChecker {
  readonly #executed = new Map<number, Position>();
  readonly #acknowledged = new Set<number>();
  readonly #denied = new Set<number>();
  unknown = 0;

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  get denied(): number {
    return this.#denied.size;
  }

  get executed(): number {
    return this.#executed.size;
  }

  /** The first replica executes this command at this position. */
  onExecuted(command: number, position: Position): void {
    const before = this.#executed.get(command);
    check(before === undefined, () => {
      return `command ${command} is executed twice: ${shown(before)} and ${shown(position)}`;
    });
    check(!this.#denied.has(command), () => {
      return `command ${command} was said not to execute, and does at ${shown(position)}`;
    });
    this.#executed.set(command, position);
  }

  /** Gives where it was executed. */
  onResult(command: number): Position {
    const position = this.#executed.get(command);
    check(position !== undefined, () => `command ${command} is acknowledged and not executed`);
    check(!this.#acknowledged.has(command), () => `command ${command} is acknowledged twice`);
    this.#acknowledged.add(command);
    return position as Position;
  }

  onError(command: number, outcome: Outcome): void {
    if (outcome !== 'not-executed') {
      this.unknown += 1;
      return;
    }
    check(!this.#executed.has(command), () => {
      const where = shown(this.#executed.get(command));
      return `command ${command} was said not to execute, and did at ${where}`;
    });
    this.#denied.add(command);
  }
}

const shown = (position: Position | undefined): string =>
  position === undefined ? 'nowhere' : `slot ${position.slot}, offset ${position.offset}`;
