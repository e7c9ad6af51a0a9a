import type { StateCommand } from '../commands/command.ts';
import { stateCommandById } from '../commands/state-commands.ts';
import type { Cursor } from './cursor.ts';
import { execId } from './execute.ts';

/** Whether it may be answered from one replica's state, outside of the log. */
export const isReading = ({ kind }: StateCommand): boolean => kind === 'read' || kind === 'pure';

/** Whether every command up to the cursor's end only reads. MalformedError if they are none. */
export function onlyReads(cursor: Cursor): boolean {
  while (cursor.at < cursor.end) if (!nextReads(cursor, alone)) return false;
  return true;
}

const inside = (id: number): boolean => {
  const command = stateCommandById[id];
  return command !== undefined && isReading(command);
};
const alone = (id: number, cursor: Cursor): boolean =>
  id === execId ? allRead(cursor) : inside(id);

function nextReads(cursor: Cursor, reads: typeof alone): boolean {
  const { end } = cursor;
  const length = cursor.varint();
  const next = cursor.skip(length) + length;
  cursor.at = next - length;
  cursor.end = next;
  const isRead = reads(cursor.byte(), cursor);
  cursor.at = next;
  cursor.end = end;
  return isRead;
}

/** The inside of EXEC, in which there is none. */
function allRead(cursor: Cursor): boolean {
  for (let watched = cursor.varint(); watched > 0; watched -= 1) {
    cursor.text();
    cursor.varint();
  }
  const commands = cursor.varint();
  for (let i = 0; i < commands; i += 1) if (!nextReads(cursor, inside)) return false;
  return true;
}
