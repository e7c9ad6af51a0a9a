import type { StateCommand } from './command.ts';
import { expiryCommands } from './expiry.ts';
import { hashCommands } from './hashes.ts';
import { keyCommands } from './keys.ts';
import { listCommands } from './lists.ts';
import { numberCommands } from './numbers.ts';
import { plainCommands } from './plain.ts';
import { setCommands } from './sets.ts';
import { stringCommands } from './strings.ts';

/** Every command that a log or a transaction may hold. */
export const stateCommands: readonly StateCommand[] = [
  ...plainCommands,
  ...stringCommands,
  ...numberCommands,
  ...keyCommands,
  ...expiryCommands,
  ...listCommands,
  ...hashCommands,
  ...setCommands,
];

/** By `id`. */
export const stateCommandById: readonly (StateCommand | undefined)[] = byId();

function byId(): (StateCommand | undefined)[] {
  const commands = new Array<StateCommand | undefined>(256).fill(undefined);
  for (const command of stateCommands) commands[command.id] = command;
  return commands;
}
