import { stateCommands } from '../commands/state-commands.ts';
import { clientCommand } from './client-command.ts';
import { commandCommand } from './command-command.ts';
import { CommandTable } from './command-table.ts';
import { configCommand } from './config-command.ts';
import { infoCommands } from './info-commands.ts';
import { sessionCommands, slotCommand } from './session-commands.ts';
import { savingCommands, snapshotCommands } from './snapshot-commands.ts';
import { transactionCommands } from './transaction-commands.ts';

/** The one table: arity, kind and key positions of everything a client may send. */
export const allCommands = new CommandTable([
  ...stateCommands,
  ...transactionCommands,
  ...sessionCommands,
  slotCommand,
  ...infoCommands,
  ...savingCommands,
  ...snapshotCommands,
  clientCommand,
  commandCommand,
  configCommand,
]);
