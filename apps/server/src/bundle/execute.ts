import { Args } from '../args.ts';
import { hasArity, Refusal } from '../commands/command.ts';
import { stateCommandById } from '../commands/state-commands.ts';
import type { Reply } from '../resp/reply.ts';
import type { Keyspace } from '../state/keyspace.ts';
import { wrongArity } from '../state/replies.ts';
import type { Cursor } from './cursor.ts';

export const execId = 1;

/** Only one command is executed at a time, and none by another. */
const args = new Args();

/** Executes the command at the cursor and leaves the cursor behind it. */
export function executeNext(cursor: Cursor, keyspace: Keyspace, reply: Reply): void {
  const bundleEnd = cursor.end;
  const id = enter(cursor);
  const { end } = cursor;
  if (id === execId) executeAll(cursor, keyspace, reply);
  else executeOne(id, cursor, keyspace, reply);
  cursor.at = end;
  cursor.end = bundleEnd;
}

/** Narrows the cursor to the arguments of the command that it stands at; gives the command's id. */
function enter(cursor: Cursor): number {
  const length = cursor.varint();
  const start = cursor.skip(length);
  cursor.at = start;
  cursor.end = start + length;
  return cursor.byte();
}

function executeOne(id: number, cursor: Cursor, keyspace: Keyspace, reply: Reply): void {
  const command = stateCommandById[id];
  if (command === undefined) {
    return reply.error(`ERR the log holds command ${id}, which this version does not know`);
  }
  args.clear(cursor.bytes);
  while (cursor.at < cursor.end) {
    const length = cursor.varint();
    const start = cursor.skip(length);
    args.add(start, start + length);
  }
  if (!hasArity(command, args.count + 1)) return reply.error(wrongArity(command.name));
  try {
    command.execute(keyspace, args, reply);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    reply.error(error.message);
  }
}

/** EXEC: all or, if a watched key has changed, none. */
function executeAll(cursor: Cursor, keyspace: Keyspace, reply: Reply): void {
  const watched = cursor.varint();
  for (let i = 0; i < watched; i++) {
    const key = cursor.text();
    if (keyspace.versionOf(key) !== cursor.varint()) return reply.nullArray();
  }
  const commands = cursor.varint();
  reply.array(commands);
  const allEnd = cursor.end;
  for (let i = 0; i < commands; i++) {
    const id = enter(cursor);
    const { end } = cursor;
    executeOne(id, cursor, keyspace, reply);
    cursor.at = end;
    cursor.end = allEnd;
  }
}
